from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from failover.errors import DeadlineError, LabError
from failover.lab.demo import story
from failover.lab.demo.board import Board
from failover.lab.demo.crowd import Crowd
from failover.lab.demo.ledger import Entry, Kind, Outcome
from failover.lab.demo.orders import Operator
from failover.lab.demo.pair_status import pair_status_from
from failover.lab.demo.process import Process
from failover.lab.demo.watch import StatusWatch
from tests.fakes.clock import FakeClock
from tests.unit.lab.demo.actors import FakeHost, FakeProcess
from tests.unit.lab.demo.test_pair_status import HEALTHY

DONE = (
    {"event": "step", "step": "promote-database", "state": "done", "seconds": 0.1},
    {"event": "step", "step": "verify-dns", "state": "done", "seconds": 0.1},
    {"event": "finished", "outcome": "done", "write_block_seconds": 0.4},
)
REFUSES: dict[str, str | tuple[int, str]] = {"failover": (17, "refused"), "pkill": "", "pgrep": (1, "")}
BEGIN = FakeClock().now().timestamp()


class Hosts:
    def __init__(self, **hosts: FakeHost) -> None:
        self.hosts = hosts

    def host(self, name: str) -> FakeHost:
        return self.hosts[name]


class Commands:
    """What the operator's commands print, one after the other, and how each ends."""

    def __init__(self, *answers: tuple[Iterable[dict[str, Any]], int]) -> None:
        self.answers = list(answers)
        self.typed: list[str] = []

    def start(self, argv: Sequence[str]) -> Process:
        self.typed.append(" ".join(argv))
        lines, status = self.answers.pop(0)
        process = FakeProcess(said="".join(f"{json.dumps(line)}\n" for line in lines).encode())
        process.end(status)
        return process


class WatchedClock(FakeClock):
    """Time in which something happens whenever somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.on_wait: Callable[[], None] = lambda: None

    def wait(self, seconds: float) -> bool:
        super().wait(seconds)
        self.on_wait()
        return False


@contextmanager
def stage_of(
    hosts: Hosts, commands: Commands, *entries: Entry, status: dict[str, Any] | None = None
) -> Iterator[story.Stage]:
    clock = WatchedClock()
    operator = Operator(commands.start, clock=clock)
    board = Board(lambda: clock.now().timestamp())
    if status is not None:
        clock.on_wait = lambda: board.see(pair_status_from(status))
    for one in entries:
        board.enter(one)
    with Crowd(commands.start, [], board.enter) as crowd:
        yield story.Stage(hosts, operator, board, StatusWatch(operator, board), crowd, clock, 3.0)


def wrote(token: str, node: str, at: float, kind: Kind = Kind.COMMENT) -> Entry:
    """A write acknowledged `at` seconds after the beginning."""
    return Entry("v1", kind, token, Outcome.ACKNOWLEDGED, BEGIN + at, BEGIN + at, node)


def node_with(name: str, comments: str, uploads: str = "") -> FakeHost:
    return FakeHost(name, answers={"mariadb": comments, "find": uploads})


LEDGER = (wrote("c1", "web1", -1.0), wrote("u1", "web1", -0.5, Kind.UPLOAD), wrote("c2", "web2", 0.7))


def test_a_planned_switchover_is_judged_by_what_the_new_primary_holds() -> None:
    hosts = Hosts(web1=FakeHost("web1"), web2=node_with("web2", "c1 c2", "u1"))
    commands = Commands((DONE, 0))
    with stage_of(hosts, commands, *LEDGER) as stage:
        act = story.switch_over(stage, old="web1", new="web2")

    assert commands.typed == ["failover switchover --yes --json"]
    assert act.lost_writes == 0
    assert act.visitors_gap_seconds == pytest.approx(1.2)
    assert all(check.is_true for check in act.checks())
    assert [moment.what for moment in act.moments if moment.who == "visitors"] == [
        "last write on web1",
        "first write on web2",
    ]


def test_a_write_that_is_only_on_the_old_primary_is_lost() -> None:
    hosts = Hosts(web1=node_with("web1", "c1 c2", "u1"), web2=node_with("web2", "c1 c2"))
    with stage_of(hosts, Commands((DONE, 0)), *LEDGER) as stage:
        act = story.switch_over(stage, old="web1", new="web2")

    assert [entry.token for entry in act.judgement.lost] == ["u1"]


def test_a_switchover_that_moves_nothing_ends_the_story_with_what_it_said() -> None:
    refused = ({"event": "plan"}, {"event": "finished", "outcome": "undone"})
    with (
        stage_of(Hosts(), Commands((refused, 1)), *LEDGER) as stage,
        pytest.raises(LabError, match="status 1: undone"),
    ):
        story.switch_over(stage, old="web1", new="web2")


def test_visitors_who_are_never_served_by_the_new_node_end_the_story() -> None:
    hosts = Hosts(web2=node_with("web2", "c1", "u1"))
    with (
        stage_of(hosts, Commands((DONE, 0)), *LEDGER[:2]) as stage,
        pytest.raises(DeadlineError, match="a write acknowledged by web2"),
    ):
        story.switch_over(stage, old="web1", new="web2")


def test_a_standby_that_does_not_get_well_ends_the_story_with_the_reason() -> None:
    ill = HEALTHY | {"mirrors": {"www": {"state": "halted"}}}
    with (
        stage_of(Hosts(), Commands(), status=ill) as stage,
        pytest.raises(DeadlineError, match="web1 is no healthy standby: the mirror is halted"),
    ):
        story.await_standby(stage, primary="web2", standby="web1")


def test_a_healthy_standby_is_waited_for_no_longer() -> None:
    with stage_of(Hosts(), Commands(), status=HEALTHY) as stage:
        story.await_standby(stage, primary="web2", standby="web1")

        assert stage.clock.monotonic() < 1.0


def test_the_power_goes_before_the_command_is_typed() -> None:
    dead = FakeHost("web2")
    commands = Commands((DONE, 0))
    with stage_of(Hosts(web2=dead), commands, wrote("c3", "web1", 0.9)) as stage:
        run, cut_at = story.lose_primary(stage, dead="web2", new="web1")

    assert dead.power == ["cut"]
    assert commands.typed == ["failover switchover --primary-dead --yes --json"]
    assert cut_at <= run.began_at


@pytest.mark.parametrize("is_listed", [True, False])
def test_at_the_end_a_lost_write_has_to_be_in_the_loss_report(*, is_listed: bool) -> None:
    returned = FakeHost("web2", answers=REFUSES)
    report = {
        "transactions": [{"gtid": "0-2-9", "statements": ["INSERT … 'c2'"]}] if is_listed else [],
        "files": [],
        "is_complete": True,
    }
    hosts = Hosts(web1=node_with("web1", "c1 c3", "u1"), web2=returned)
    commands = Commands((DONE, 0), ([report], 0))
    with stage_of(hosts, commands, *LEDGER, wrote("c3", "web1", 1.5)) as stage:
        run = stage.operator.watch(("failover", "switchover"), timeout_seconds=5)
        act = story.settle(stage, run, dead="web2", new="web1", cut_at=BEGIN + 1, fencing=())

    assert commands.typed[-1] == "failover loss --complete --json"
    assert [entry.token for entry in act.judgement.lost] == ["c2"]
    assert act.judgement.is_all_accounted_for is is_listed


def test_a_visitor_served_by_the_dead_after_its_death_is_seen() -> None:
    hosts = Hosts(web1=node_with("web1", "c1 c4"), web2=FakeHost("web2", answers=REFUSES))
    commands = Commands((DONE, 0), ([{"transactions": [], "files": [], "is_complete": True}], 0))
    with stage_of(hosts, commands, wrote("c1", "web2", 0.5), wrote("c4", "web2", 2.0)) as stage:
        run = stage.operator.watch(("failover", "switchover"), timeout_seconds=5)
        act = story.settle(stage, run, dead="web2", new="web1", cut_at=BEGIN + 1, fencing=())

    met = next(check for check in act.fencing if "no visitor met web2" in check.what)
    assert not met.is_true
    assert met.seen == "1 did"
