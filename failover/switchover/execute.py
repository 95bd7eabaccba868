"""Carry out a plan against a journal: intent written on both nodes, the act, the outcome written.

Before the point of no return the first failure undoes everything that was begun. After it the operation only goes
forward: a failure that leaves the service standing (DNS, the old primary) does not stop the rest, any other stops
the run, and `--resume` goes on from the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from failover.errors import ExitStatus, FailoverError
from failover.switchover.journal import Entry, Kind, Progress
from failover.switchover.plan import PlannedStep, StepName
from failover.switchover.step import Context, Step, StepResult
from failover.system.clock import Clock

GOES_ON = frozenset(
    {StepName.MOVE_DNS, StepName.VERIFY_DNS, StepName.ATTACH_OLD_PRIMARY, StepName.REVERSE_MIRROR}
)
"""Steps whose failure does not stop the ones after them: the new primary serves, something else is left to do."""


class Outcome(StrEnum):
    """How an operation ended. The value stands in the journal and in `--json`."""

    DONE = "done"
    UNDONE = "undone"
    """It failed before the point of no return and everything begun was undone."""
    DNS_PENDING = "dns-pending"
    """The service was moved; not every authority agrees."""
    PARTIAL = "partial"
    """It stopped after the point of no return, or an undo failed: `--resume` or a person goes on."""

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status of the command."""
        return {
            Outcome.DONE: ExitStatus.DONE,
            Outcome.UNDONE: ExitStatus.FAILED,
            Outcome.DNS_PENDING: ExitStatus.DNS_PENDING,
            Outcome.PARTIAL: ExitStatus.PARTIAL,
        }[self]

    @property
    def is_final(self) -> bool:
        """Whether nothing is left to resume."""
        return self in {Outcome.DONE, Outcome.UNDONE}


@dataclass(frozen=True, slots=True)
class Event:
    """What happened just now, for whoever watches: a step started, done, failed, being undone, undone."""

    step: StepName
    state: Kind
    does: str
    seconds: float | None = None
    since_start_seconds: float | None = None
    result: StepResult = field(default_factory=dict)
    error: FailoverError | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How it went. `errors` has every failure, by step; times are seconds from the start of the run."""

    outcome: Outcome
    seconds: float
    write_block_seconds: float | None
    errors: Mapping[StepName, FailoverError]
    results: Mapping[str, StepResult]


class JournalWriter:
    """Writes each entry on every node that answers. A node lost after the point of no return is left behind."""

    def __init__(self, operation: str, context: Context) -> None:
        self.operation = operation
        self._context = context
        self._lost: set[str] = set()

    def write(self, kind: Kind, step: str | None, data: dict[str, Any], *, must_reach: bool) -> None:
        """Write on both nodes. With `must_reach`, a node that cannot be written to is an error; else it is skipped."""
        line = Entry(kind, self._context.clock.now().isoformat(), step, data).to_line()
        for name, node in self._context.nodes.items():
            if name in self._lost:
                continue
            try:
                node.append_journal(operation=self.operation, line=line)
            except FailoverError:
                if must_reach:
                    raise
                self._lost.add(name)


class Execution:
    """One run of a plan: new, or resumed from the progress that a journal shows."""

    def __init__(
        self,
        context: Context,
        journal: JournalWriter,
        watch: Callable[[Event], None],
        steps: Mapping[StepName, Step],
        progress: Progress | None = None,
    ) -> None:
        self._context = context
        self._journal = journal
        self._watch = watch
        self._steps = steps
        self._touched = [] if progress is None else [StepName(name) for name in progress.touched]
        self._errors: dict[StepName, FailoverError] = {}
        self._times = _Times(context.clock)
        if progress is not None:
            context.results.update(progress.results)

    def run(self) -> Report:
        """Go through the steps not done yet. Never raises for a step's failure: the report says it."""
        for planned in self._context.plan.steps:
            if planned.name in self._context.results:
                continue
            try:
                is_done = self._carry_out(planned)
            except KeyboardInterrupt:
                # Between the act and its report. What was begun is in the journal, so it is undone like a failure.
                self._errors[planned.name] = FailoverError("interrupted")
                is_done = False
            if not is_done and planned.name not in GOES_ON:
                return self._stopped(planned)
        return self._finish(self._outcome())

    def undo(self) -> Report:
        """Undo everything begun, last first (`--abort`). Only before the point of no return."""
        return self._finish(Outcome.UNDONE if self._roll_back() else Outcome.PARTIAL)

    def _carry_out(self, planned: PlannedStep) -> bool:
        is_safe = not planned.is_after_return
        start = self._times.start(planned.name)
        try:
            self._journal.write(Kind.STARTED, planned.name, {}, must_reach=is_safe)
            self._watch(Event(planned.name, Kind.STARTED, planned.does, since_start_seconds=start))
            self._touched.append(planned.name)
            result = self._steps[planned.name].act(self._context, planned.limit_seconds)
            self._journal.write(Kind.DONE, planned.name, {"result": result}, must_reach=is_safe)
        except (FailoverError, KeyboardInterrupt) as caught:
            error = caught if isinstance(caught, FailoverError) else FailoverError("interrupted")
            self._errors[planned.name] = error
            self._journal.write(Kind.FAILED, planned.name, {"error": error.message}, must_reach=False)
            self._tell(planned, Kind.FAILED, error=error)
            return False
        self._context.results[planned.name] = result
        self._tell(planned, Kind.DONE, result=result)
        return True

    def _tell(
        self,
        planned: PlannedStep,
        state: Kind,
        result: StepResult | None = None,
        error: FailoverError | None = None,
    ) -> None:
        seconds, end = self._times.end(planned.name)
        self._watch(Event(planned.name, state, planned.does, seconds, end, result or {}, error))

    def _stopped(self, planned: PlannedStep) -> Report:
        if planned.is_after_return:
            return self._finish(Outcome.PARTIAL)
        return self._finish(Outcome.UNDONE if self._roll_back() else Outcome.PARTIAL)

    def _roll_back(self) -> bool:
        """Undo the steps that may have acted, last first. One undo that fails does not keep the others from it."""
        is_clean = True
        plans = {planned.name: planned for planned in self._context.plan.steps}
        for name in reversed(self._touched):
            undo, planned = self._steps[name].undo, plans[name]
            if undo is None:
                continue
            self._journal.write(Kind.UNDOING, name, {}, must_reach=False)
            start = self._times.start(name)
            self._watch(Event(name, Kind.UNDOING, planned.undo or "", since_start_seconds=start))
            try:
                undo(self._context)
            except FailoverError as error:
                is_clean = False
                self._errors[name] = error
                self._tell(planned, Kind.FAILED, error=error)
                continue
            self._journal.write(Kind.UNDONE, name, {}, must_reach=False)
            self._tell(planned, Kind.UNDONE)
        return is_clean

    def _outcome(self) -> Outcome:
        if not self._errors:
            return Outcome.DONE
        if self._errors.keys() <= {StepName.MOVE_DNS, StepName.VERIFY_DNS}:
            return Outcome.DNS_PENDING
        return Outcome.PARTIAL

    def _finish(self, outcome: Outcome) -> Report:
        self._journal.write(Kind.FINISHED, None, {"outcome": outcome.value}, must_reach=False)
        return Report(
            outcome,
            self._times.now(),
            self._times.write_block(),
            dict(self._errors),
            dict(self._context.results),
        )


class _Times:
    """When each step of this run began and ended, in seconds since the run began."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._zero = clock.monotonic()
        self._starts: dict[StepName, float] = {}
        self._ends: dict[StepName, float] = {}

    def now(self) -> float:
        return self._clock.monotonic() - self._zero

    def start(self, name: StepName) -> float:
        self._starts[name] = self.now()
        return self._starts[name]

    def end(self, name: StepName) -> tuple[float, float]:
        """How long the step took, and when it ended."""
        self._ends[name] = self.now()
        return self._ends[name] - self._starts[name], self._ends[name]

    def write_block(self) -> float | None:
        """From the first act that keeps visitors from writing until the new primary's site takes writes.

        None if this run did not do both (a dead primary blocks nobody; a resumed run began in the middle).
        """
        blocked, opened = self._starts.get(StepName.HOLD_SITE), self._ends.get(StepName.START_SITE)
        return None if blocked is None or opened is None else opened - blocked
