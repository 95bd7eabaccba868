"""What the orders do when answers get lost; how they work on a real server is an integration test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from failover.errors import DatabaseError, DeadlineError
from failover.replication.client import ConnectError, StatementError, StatementTimeoutError, Value
from failover.replication.mariadb import MariaDb
from failover.replication.model import GtidPosition, Source, Verdict
from failover.replication.probe import probe
from failover.replication.promotion import Promotion
from tests.fakes.clock import FakeClock
from tests.fakes.database import FakeServer
from tests.unit.replication.test_mariadb import row

Rows = Sequence[Mapping[str, Value]]
SET_ON = "SET STATEMENT max_statement_time=%s FOR SET GLOBAL read_only=ON"
SET_OFF = "SET STATEMENT max_statement_time=%s FOR SET GLOBAL read_only=OFF"
SESSION: dict[str, Value] = {
    "id": 7,
    "user": "app",
    "host": "10.0.0.9:4711",
    "db": "site",
    "command": "Query",
    "seconds": 60.0,
    "info": "ALTER TABLE t",
    "transaction_seconds": None,
}


class World:
    """A server with a memory: whether it is read-only, whether events run, who is connected."""

    def __init__(self) -> None:
        self.read_only = False
        self.events = True
        self.sessions: list[dict[str, Value]] = []
        self.position = "0-1-42"
        self.replicas: list[dict[str, Value]] = []
        self.clock = FakeClock()
        self.server = FakeServer(
            {
                "SELECT @@read_only": lambda _: [{"value": int(self.read_only)}],
                "SELECT @@event_scheduler": lambda _: [{"value": "ON" if self.events else "OFF"}],
                "SET GLOBAL event_scheduler=OFF": self.does(lambda: setattr(self, "events", False)),
                "SET GLOBAL event_scheduler=ON": self.does(lambda: setattr(self, "events", True)),
                SET_ON: self.does(lambda: setattr(self, "read_only", True)),
                SET_OFF: self.does(lambda: setattr(self, "read_only", False)),
                "SELECT p.ID": lambda _: self.sessions,
                "SELECT GRANTEE": [
                    {"grantee": "'root'@'localhost'", "privilege": "READ_ONLY ADMIN"},
                    {"grantee": "'old'@'%'", "privilege": "SUPER"},
                ],
                "KILL": self._kill,
                "SELECT @@gtid_binlog_pos": lambda _: [{"position": self.position}],
                "SELECT @@gtid_slave_pos": lambda _: [{"position": self.position}],
                "SHOW ALL SLAVES STATUS": lambda _: self.replicas,
            }
        )
        self.promotion = Promotion(self.server.connect, MariaDb(), self.clock)

    def does(
        self, act: Callable[[], None], then: Exception | None = None
    ) -> Callable[[Sequence[Value]], Rows]:
        def answer(_: Sequence[Value]) -> Rows:
            act()
            if then is not None:
                raise then
            return ()

        return answer

    def _kill(self, parameters: Sequence[Value]) -> Rows:
        self.sessions = [session for session in self.sessions if session["id"] != parameters[0]]
        return ()


def test_a_freeze_refuses_first_and_ends_sessions_after() -> None:
    world = World()
    world.sessions = [SESSION, SESSION | {"id": 8, "user": "system user", "command": "Daemon"}]

    proof = world.promotion.freeze(10)

    said = world.server.statements
    assert said.index(SET_ON) < said.index("KILL CONNECTION %s")
    assert ("KILL CONNECTION %s", (8,)) not in world.server.said
    assert proof.disconnected == ("session 7 of app@10.0.0.9 (ALTER TABLE t for 60 s)",)
    assert (proof.was_read_only, proof.was_event_scheduler_on) == (False, True)
    assert (world.read_only, world.events) == (True, False)


def test_a_lost_answer_that_came_true_is_a_success() -> None:
    world = World()
    lost = StatementTimeoutError("no answer")
    world.server.answers[SET_ON] = world.does(lambda: setattr(world, "read_only", True), lost)

    assert world.promotion.freeze(10).position == GtidPosition.parse("0-1-42")


def test_a_lost_answer_that_did_not_come_true_is_ended_at_the_server_and_put_back() -> None:
    world = World()
    world.server.answers[SET_ON] = StatementTimeoutError("no answer")

    with pytest.raises(DeadlineError, match="writes could not be stopped"):
        world.promotion.freeze(10)

    waiting = next(number for number, text in enumerate(world.server.statements) if text == SET_ON)
    assert "KILL CONNECTION %s" in world.server.statements[waiting:]
    assert (world.read_only, world.events) == (False, True)


def test_a_blocked_freeze_names_the_session_and_puts_back() -> None:
    world = World()
    world.sessions = [SESSION, SESSION | {"id": 9, "seconds": 0.0, "info": "INSERT, queued up behind us"}]

    def wait(_: Sequence[Value]) -> Rows:
        world.clock.advance(6)
        raise StatementError("max_statement_time exceeded", 1969)

    world.server.answers[SET_ON] = wait

    with pytest.raises(DeadlineError, match=r"held up by session 7 of app") as caught:
        world.promotion.freeze(10)

    assert "session 9" not in caught.value.message
    assert (world.read_only, world.events) == (False, True)


def test_a_freeze_that_cannot_be_put_back_says_so_first() -> None:
    world = World()
    world.server.answers[SET_ON] = StatementError("blocked", 1205)
    world.server.answers[SET_OFF] = StatementError("access denied", 1227)

    with pytest.raises(DatabaseError, match="could not be made writable again: access denied"):
        world.promotion.freeze(10)


def test_a_position_that_moves_is_no_proof() -> None:
    world = World()
    numbers = iter(range(1, 10_000))
    world.server.answers["SELECT @@gtid_binlog_pos"] = lambda _: [{"position": f"0-1-{next(numbers)}"}]

    with pytest.raises(DeadlineError, match="goes on writing"):
        world.promotion.freeze(5)

    assert world.read_only is False


def test_a_privileged_session_is_no_proof_and_is_ended_again() -> None:
    world = World()
    come_back = iter([SESSION | {"user": "root", "id": number} for number in (11, 12)])
    kill = world.server.answers["KILL"]
    assert callable(kill)

    def reconnect(parameters: Sequence[Value]) -> Rows:
        kill(parameters)
        world.sessions += [session for session in [next(come_back, None)] if session]
        return ()

    world.server.answers["KILL"] = reconnect
    world.sessions = [SESSION]

    proof = world.promotion.freeze(10)

    assert len(proof.disconnected) == 3
    assert proof.may_still_write == ("root",)
    assert world.sessions == []


def test_a_server_that_was_frozen_before_stays_so_when_a_freeze_fails() -> None:
    world = World()
    world.read_only, world.events = True, False
    world.server.answers[SET_ON] = StatementError("denied", 1227)

    with pytest.raises(DatabaseError, match="denied"):
        world.promotion.freeze(5)

    assert (world.read_only, world.events) == (True, False)


def test_events_that_cannot_run_are_left_alone() -> None:
    world = World()
    world.server.answers["SELECT @@event_scheduler"] = [{"value": "DISABLED"}]

    world.promotion.open(is_event_scheduler_on=True)

    assert not any(statement.startswith("SET GLOBAL event") for statement in world.server.statements)


def test_waiting_ends_at_once_when_it_cannot_succeed() -> None:
    world = World()
    world.position = "0-1-20"
    world.replicas = [row("applying-broken-1062")]

    with pytest.raises(DatabaseError, match="error 1062"):
        world.promotion.wait_applied(GtidPosition.parse("0-1-24"), 60)

    assert world.clock.seconds == 0


def test_waiting_for_a_connection_goes_on_until_the_limit() -> None:
    world = World()
    world.position = "0-1-20"
    world.replicas = [row("connecting-2003")]

    with pytest.raises(DeadlineError, match="4 transactions are missing, it is at 0-1-20"):
        world.promotion.wait_applied(GtidPosition.parse("0-1-24"), 3)

    assert 3 <= world.clock.seconds < 3.1


def test_several_channels_are_refused() -> None:
    world = World()
    world.replicas = [row("running"), row("running") | {"Connection_name": "other"}]

    with pytest.raises(DatabaseError, match="2 channels"):
        world.promotion.detach()


def test_attach_does_not_start_over_something_unapplied() -> None:
    world = World()
    world.read_only = True
    world.replicas = [row("both-stopped-with-unapplied")]

    with pytest.raises(DatabaseError, match="not applied yet"):
        world.promotion.attach(Source("127.0.0.1", 45101, "rep", None), "p", from_demotion=False)

    assert not any(statement.startswith(("START", "STOP", "CHANGE")) for statement in world.server.statements)


def test_a_probe_turns_trouble_into_verdicts() -> None:
    world = World()
    connect = world.server.connect
    world.server.refusal = ConnectError("full", Verdict.UP_FULL, 1040)
    assert probe(connect, MariaDb()).verdict is Verdict.UP_FULL

    world.server.refusal = None
    world.server.answers["SELECT @@version"] = StatementTimeoutError("no answer")
    assert probe(connect, MariaDb()).verdict is Verdict.FROZEN

    world.server.answers["SELECT @@version"] = StatementError("denied", 1227)
    status = probe(connect, MariaDb())
    assert (status.verdict, status.login_errno) == (Verdict.UP, 1227)
    assert all(session.is_closed for session in world.server.sessions)
