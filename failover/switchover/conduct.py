"""One operation from the lock to the report: begin it, go on with one that was cut short, or abort it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from failover.errors import ExitStatus, SwitchoverError, UnreachableError
from failover.switchover.execute import Event, Execution, JournalWriter, Outcome, Report
from failover.switchover.journal import Entry, Kind, Progress, entry_from, progress_of
from failover.switchover.loss import LossReport, complete_loss, loss_report_from
from failover.switchover.node import NodeOrders
from failover.switchover.plan import Operation, Plan, StepName, plan_from
from failover.switchover.step import Context
from failover.switchover.steps import STEPS
from failover.system.clock import Clock


@dataclass(frozen=True, slots=True)
class Found:
    """The newest operation in the journals of the nodes that answer."""

    operation: str
    plan: Plan
    progress: Progress

    @property
    def is_unfinished(self) -> bool:
        """Whether something of it is left to do or to undo."""
        return self.progress.outcome is None or not Outcome(self.progress.outcome).is_final

    @property
    def was_cut_short(self) -> bool:
        """Whether it ended in the middle: killed, or stopped by a failure. One that only waits for DNS was not."""
        return self.progress.outcome in {None, Outcome.PARTIAL.value}


def take_locks(nodes: Mapping[str, NodeOrders], owner: str) -> None:
    """Take the lock of every node that answers, in the order of their names, so that two operators cannot cross.

    Raises:
        SwitchoverError: somebody holds one; says who.
    """
    for name in sorted(nodes):
        holder = nodes[name].take_lock(owner=owner)
        if holder is not None:
            raise SwitchoverError(
                f"another switchover is under way: {holder} holds the lock on {name}",
                hint="wait for it, or end that process",
                exit_status=ExitStatus.LOCKED,
            )


def begin(context: Context, owner: str, watch: Callable[[Event], None]) -> tuple[str, Report]:
    """Carry out a new plan; the operation's name and how it went."""
    operation = name_operation(context.plan, context.clock)
    journal = JournalWriter(operation, context)
    data = {"operation": operation, "plan": context.plan.to_json(), "owner": owner}
    journal.write(Kind.BEGUN, None, data, must_reach=True)
    return operation, Execution(context, journal, watch, STEPS).run()


def resume(found: Found, context: Context, watch: Callable[[Event], None]) -> Report:
    """Go on where the journal ends."""
    return Execution(context, JournalWriter(found.operation, context), watch, STEPS, found.progress).run()


def abort(found: Found, context: Context, watch: Callable[[Event], None]) -> Report:
    """Undo what the journal says may have been done.

    Raises:
        SwitchoverError: it is past its point of no return; only forward is left.
    """
    after = {step.name for step in found.plan.steps if step.is_after_return}
    if after.intersection(found.progress.touched):
        raise SwitchoverError(
            f"{found.operation} is past its point of no return",
            hint="failover switchover --resume finishes it; another switchover moves back",
            exit_status=ExitStatus.REFUSED,
        )
    return Execution(context, JournalWriter(found.operation, context), watch, STEPS, found.progress).undo()


def find_newest(nodes: Mapping[str, NodeOrders], *, of: Operation | None = None) -> Found | None:
    """The newest operation (of that kind) any of the nodes has in its journal; of two versions the longer one.

    The nodes' journals differ only where one of them was lost on the way, and then it has less.
    """
    best: tuple[str, int] = ("", 0)
    found: Found | None = None
    for node in nodes.values():
        lines = node.read_journal(kind=of and of.value)
        entries = [entry_from(line) for line in lines]
        if not entries or entries[0].kind is not Kind.BEGUN:
            continue
        operation = str(entries[0].data["operation"])
        if (operation, len(entries)) > best:
            progress = progress_of(entries)
            assert progress.plan is not None
            best, found = (operation, len(entries)), Found(operation, plan_from(progress.plan), progress)
    return found


def name_operation(plan: Plan, clock: Clock) -> str:
    """A name that sorts by time: `20260101T120000.123Z-planned-0f3a…`."""
    now = clock.now()
    return f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03d}Z-{plan.operation}-{plan.checksum[:6]}"


def find_report(nodes: Mapping[str, NodeOrders]) -> tuple[str, LossReport] | None:
    """The newest takeover's loss report and the operation it belongs to; a completed one before its first form."""
    found = find_newest(nodes, of=Operation.PRIMARY_DEAD)
    if found is None:
        return None
    data = found.progress.completed_loss or found.progress.results.get(StepName.RECORD_LOSS, {}).get("report")
    return None if data is None else (found.operation, loss_report_from(data))


def complete_report(
    operation: str, report: LossReport, nodes: Mapping[str, NodeOrders], clock: Clock
) -> LossReport:
    """Complete the report from the returned node, and keep it in the journal of every node that answers.

    Raises:
        UnreachableError: the old primary, or the new one, does not answer.
    """
    for name in (report.old, report.new):
        if name not in nodes:
            raise UnreachableError(
                f"{name} does not answer: its logs and files cannot be read", hint=f"try: ssh {name}"
            )
    complete = complete_loss(nodes[report.old], nodes[report.new], report)
    line = Entry(Kind.LOSS_COMPLETED, clock.now().isoformat(), None, {"report": complete.to_json()}).to_line()
    for node in nodes.values():
        node.append_journal(operation=operation, line=line)
    return complete
