"""The bulk lane: carries one batch at a time with rsync, without making anybody wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from failover.errors import ProgramError
from failover.sync.batch import Planner
from failover.sync.dirty import Entry
from failover.sync.rsync import Outcome, Push, describe, file_list, judge
from failover.system.child import Child
from failover.system.clock import Clock


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a batch ended. `half_linked` is true if only a full pass can put its hard links right."""

    outcome: Outcome
    error: str | None
    half_linked: bool


class BulkLane:
    """One batch under way at most: `start`, then `finished` whenever `fileno` is readable."""

    def __init__(self, push: Push, *, clock: Clock) -> None:
        self._push = push
        self._clock = clock
        self._planner = Planner(push.root, push.excludes, deletes=push.deletes)
        self._runs: list[tuple[tuple[str, ...], bytes]] = []
        self._child: Child | None = None
        self._sent: tuple[bytes, ...] = ()
        self._half_linked = False
        self._done: Delivery | None = None
        self._error: str | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a batch is under way."""
        return self._child is not None or self._done is not None

    def fileno(self) -> int | None:
        """Readable when `finished` is worth asking; None while nothing runs."""
        return None if self._child is None else self._child.fileno()

    def start(self, entries: Sequence[Entry]) -> None:
        """Send these."""
        self._error, self._half_linked, self._sent = None, False, ()
        if any(entry.is_subtree and not entry.path for entry in entries):
            self._runs = [(self._push.full_argv(), b"")]
        else:
            plan = self._planner.plan(entries)
            self._sent, self._half_linked = plan.shallow, bool(plan.half_linked)
            self._runs = []
            # New directories first: their names change the time of their parents, which the second run then sets.
            if plan.deep:
                self._runs.append((self._push.deep_argv(), file_list(plan.deep)))
            if plan.shallow:
                argv = self._push.shallow_argv(ignore_times=plan.compare_content)
                self._runs.append((argv, file_list(plan.shallow)))
        self._next()

    def finished(self) -> Delivery | None:
        """How the batch ended, once; None while it is under way."""
        if self._child is not None:
            status = self._child.status()
            if status is None:
                return None
            self._reap(status)
        done, self._done = self._done, None
        return done

    def stop(self) -> None:
        """Kill what runs. The batch is neither sent nor failed."""
        if self._child is not None:
            self._child.close()
            self._child = None
        self._runs, self._done = [], None

    def _next(self) -> None:
        if not self._runs:
            self._planner.recent.note(self._sent, int(self._clock.now().timestamp() * 1e9))
            outcome = Outcome.DONE if self._error is None else Outcome.PARTIAL
            self._done = Delivery(outcome, self._error, self._half_linked)
            return
        argv, list_ = self._runs.pop(0)
        try:
            self._child = Child(argv, stdin=list_)
        except ProgramError as error:
            self._done = Delivery(Outcome.FAILED, error.message, half_linked=False)

    def _reap(self, status: int) -> None:
        assert self._child is not None
        outcome = judge(status)
        said = self._child.said
        self._child.close()
        self._child = None
        if outcome in {Outcome.DONE, Outcome.PARTIAL}:
            if outcome is Outcome.PARTIAL:
                self._error = describe(status, said)
            self._next()
            return
        self._runs = []
        self._planner.recent.note(self._sent, int(self._clock.now().timestamp() * 1e9))
        self._done = Delivery(outcome, describe(status, said), half_linked=False)
