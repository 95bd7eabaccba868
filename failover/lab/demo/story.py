"""The story of the demo, act by act: a pair, visitors, a planned switchover, a dead primary, its return, the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from failover.errors import DeadlineError, LabError
from failover.lab.demo.board import Board
from failover.lab.demo.crowd import Crowd
from failover.lab.demo.ledger import (
    Entry,
    admitted_loss_from,
    first_served_at,
    judge,
    longest_gap_seconds,
)
from failover.lab.demo.nodes import Hosts, fencing_of, holdings_of, try_to_push
from failover.lab.demo.orders import Operator
from failover.lab.demo.timeline import DATABASE_WRITABLE, CommandRun, StepEvent, timeline
from failover.lab.demo.verdict import Check, DeadAct, PlannedAct
from failover.lab.demo.watch import StatusWatch
from failover.system.clock import Clock
from failover.system.deadline import poll

SITE = "www.example.test"
_SWITCHOVER_LIMIT_SECONDS = 60.0
_READY_LIMIT_SECONDS = 30.0
_VISITORS_LIMIT_SECONDS = 15.0
_BOOT_LIMIT_SECONDS = 20.0
_LOSS_LIMIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the acts are played."""

    lab: Hosts
    operator: Operator
    board: Board
    watch: StatusWatch
    crowd: Crowd
    clock: Clock
    load_seconds: float

    def now(self) -> float:
        """Unix seconds."""
        return self.clock.now().timestamp()

    def let_visitors_write(self) -> None:
        """Let the load run for a while. Raises LabError if a visitor's process has ended."""
        self.clock.wait(self.load_seconds)
        self.crowd.check()


def open_the_doors(stage: Stage, *, primary: str) -> None:
    """Act 2: visitors come in. Returns when acknowledged writes of the primary are in the ledger."""
    stage.board.begin_act("visitors come in")
    _await_write(stage, served_by=primary, since=0.0)
    stage.let_visitors_write()


def switch_over(stage: Stage, *, old: str, new: str) -> PlannedAct:
    """Act 4: a planned switchover under load; then the visitors' ledger against what the new primary holds."""
    stage.board.begin_act(f"planned switchover, {old} to {new}, while visitors write")
    run = _switch(stage, ("failover", "switchover", "--yes", "--json"))
    _see_it_done(run)
    first_write = _await_write(stage, served_by=new, since=run.began_at)
    stage.let_visitors_write()
    # The ledger first, then the node: whatever the ledger has by now must be there.
    entries = stage.board.entries()
    judgement = judge(entries, holdings_of(stage.lab.host(new)))
    gap = longest_gap_seconds(entries, begin=run.began_at, end=first_write.at)
    stage.board.note(f"{judgement.acknowledged} acknowledged writes, {len(judgement.lost)} lost")
    others = (
        (_last_write_at(entries, served_by=old), f"last write on {old}", "visitors"),
        (first_served_at(entries, node=new, since=run.began_at), f"first page from {new}", "visitors"),
        (first_write.at, f"first write on {new}", "visitors"),
    )
    return PlannedAct(run, judgement, gap, timeline(run, others=others))


def await_standby(stage: Stage, *, primary: str, standby: str) -> None:
    """Act 5, first half: the old primary becomes a healthy standby.

    Raises:
        DeadlineError: it did not in time; the message says what was still wrong.
    """
    stage.board.begin_act(f"{standby} becomes a healthy standby")
    began_at = stage.now()
    why = ["nobody knows"]

    def is_ready() -> bool | None:
        status = stage.board.status_since(began_at)
        if status is None:
            why[0] = stage.watch.trouble or why[0]
            return None
        reason = status.why_not_ready(primary=primary, standby=standby) or ""
        if reason and reason != why[0]:
            stage.board.note(f"not yet: {reason}")
        why[0] = reason
        return None if reason else True

    try:
        poll(is_ready, clock=stage.clock, seconds=_READY_LIMIT_SECONDS, what=standby, interval_seconds=0.1)
    except DeadlineError as error:
        raise DeadlineError(f"{standby} is no healthy standby: {why[0]}") from error
    stage.board.note(f"{standby} is a healthy standby after {stage.now() - began_at:.1f} s")


def lose_primary(stage: Stage, *, dead: str, new: str) -> tuple[CommandRun, float]:
    """Act 5, second half: power cut, and the one command. The run, and when the power went (Unix seconds)."""
    stage.board.begin_act(f"{dead} loses its power")
    stage.lab.host(dead).power_cut()
    cut_at = stage.now()
    run = _switch(stage, ("failover", "switchover", "--primary-dead", "--yes", "--json"))
    _see_it_done(run)
    _await_write(stage, served_by=new, since=run.began_at)
    stage.let_visitors_write()
    return run, cut_at


def come_back(stage: Stage, *, returned: str) -> tuple[Check, ...]:
    """Act 6: the dead host is switched on again and has to keep its hands off."""
    stage.board.begin_act(f"{returned} gets its power back")
    host = stage.lab.host(returned)
    host.boot()
    return fencing_of(
        host,
        stage.lab.host("operator"),
        clock=stage.clock,
        timeout_seconds=_BOOT_LIMIT_SECONDS,
    )


def settle(
    stage: Stage, run: CommandRun, *, dead: str, new: str, cut_at: float, fencing: Sequence[Check]
) -> DeadAct:
    """Act 6, last half: everybody goes home; the loss report beside the ledger; what is there, what is listed."""
    stage.board.begin_act("the loss report beside the visitors' ledger")
    stage.crowd.leave()
    entries = stage.board.entries()
    admitted = admitted_loss_from(
        stage.operator.ask(("failover", "loss", "--complete", "--json"), timeout_seconds=_LOSS_LIMIT_SECONDS)
    )
    judgement = judge(entries, holdings_of(stage.lab.host(new)), admitted)
    first_visit_at = first_served_at(entries, node=new, since=run.began_at)
    moments = timeline(
        run,
        others=(
            (cut_at, f"power cut of {dead}", "lab"),
            (_last_write_at(entries, served_by=dead), f"last write on {dead}", "visitors"),
            (first_visit_at, f"first page from {new}", "visitors"),
            (
                _first_write_at(entries, served_by=new, since=run.began_at),
                f"first write on {new}",
                "visitors",
            ),
        ),
    )
    return DeadAct(
        run=run,
        first_visit_seconds=None if first_visit_at is None else first_visit_at - run.began_at,
        fencing=(
            *fencing,
            _nobody_met(entries, dead, cut_at),
            try_to_push(stage.lab.host(dead), stage.lab.host(new), clock=stage.clock),
        ),
        admitted=admitted,
        judgement=judgement,
        moments=moments,
    )


def _switch(stage: Stage, argv: Sequence[str]) -> CommandRun:
    def show(event: StepEvent) -> None:
        if event.is_worth_telling:
            stage.board.note(event.sentence())

    stage.board.note(f"$ {' '.join(argv)}")
    return stage.operator.watch(argv, timeout_seconds=_SWITCHOVER_LIMIT_SECONDS, on_event=show)


def _see_it_done(run: CommandRun) -> None:
    """Raises LabError if the service is not on the other node: then the rest of the story makes no sense."""
    if run.seconds_to(DATABASE_WRITABLE) is None:
        raise LabError(f"{' '.join(run.argv)} ended with status {run.status}: {run.said or run.outcome}")


def _await_write(stage: Stage, *, served_by: str, since: float) -> Entry:
    """The first write that a node acknowledged after `since`. Raises DeadlineError, or LabError from the crowd."""

    def ask() -> Entry | None:
        stage.crowd.check()
        return _first_write(stage.board.entries(), served_by=served_by, since=since)

    what = f"a write acknowledged by {served_by}"
    return poll(ask, clock=stage.clock, seconds=_VISITORS_LIMIT_SECONDS, what=what, interval_seconds=0.05)


def _first_write(entries: Iterable[Entry], *, served_by: str, since: float) -> Entry | None:
    writes = (one for one in entries if one.is_acknowledged_write and one.served_by == served_by)
    return min((one for one in writes if one.at >= since), key=lambda one: one.at, default=None)


def _first_write_at(entries: Iterable[Entry], *, served_by: str, since: float) -> float | None:
    first = _first_write(entries, served_by=served_by, since=since)
    return None if first is None else first.at


def _last_write_at(entries: Iterable[Entry], *, served_by: str) -> float | None:
    writes = (one.at for one in entries if one.is_acknowledged_write and one.served_by == served_by)
    return max(writes, default=None)


def _nobody_met(entries: Iterable[Entry], dead: str, cut_at: float) -> Check:
    met = sum(one.served_by == dead and one.began_at > cut_at for one in entries)
    return Check(f"no visitor met {dead} after its death", met == 0, f"{met} did")
