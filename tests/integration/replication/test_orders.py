"""The orders of a change of roles, on real servers, with the account the documentation describes."""

from __future__ import annotations

import signal

import pytest

from failover.errors import DatabaseError, DeadlineError
from failover.replication.client import connect
from failover.replication.model import GtidPosition, ReplicaStatus, ThreadState
from failover.replication.privileges import missing_privileges
from tests.integration.replication.conftest import LIMITS, REPLICATION_PASSWORD, Pair, Writer, until

pytestmark = pytest.mark.integration


def test_the_documented_account_lacks_nothing(pair: Pair) -> None:
    with connect(pair.primary.target, LIMITS) as session:
        rows = [str(next(iter(row.values()))) for row in session.rows("SHOW GRANTS")]

    assert missing_privileges(rows) == ()


def test_a_planned_change_of_roles_keeps_every_acknowledged_write(pair: Pair) -> None:
    old, new = pair.primary, pair.standby
    writers = [Writer(old, first=1_000_000 * number) for number in range(1, 9)]
    for writer in writers:
        writer.start()
    try:
        until(lambda: all(len(writer.acknowledged) > 20 for writer in writers), "the writers writing")
        frozen = old.promotion.freeze(10)
        position = old.promotion.final_position()
        applied = new.promotion.wait_applied(position, 10)
        detached = new.promotion.detach()
        opened = new.promotion.open(frozen.was_event_scheduler_on)
        attached = old.promotion.attach(new.source, REPLICATION_PASSWORD, from_demotion=True)
    finally:
        for writer in writers:
            writer.stop()

    acknowledged = {number for writer in writers for number in writer.acknowledged}
    assert len(acknowledged) > 100
    assert frozen.position == position
    assert not frozen.was_read_only
    assert "root" in frozen.may_still_write
    assert not {"app", "failover_admin"} & set(frozen.may_still_write)
    assert applied.position.contains(position)
    assert detached.removed == old.source
    assert detached.position == opened.position == position
    assert opened.is_event_scheduler_on
    assert attached.replica.is_running
    assert acknowledged <= new.ids()
    new.sql("INSERT INTO site.ledger VALUES (2, 'on the new primary')")
    Pair(new, old).level()
    assert old.ids() == new.ids()
    assert (old.probe().is_read_only, new.probe().is_read_only) == (True, False)


def test_every_order_can_be_given_twice(pair: Pair) -> None:
    old, new = pair.primary, pair.standby

    first, second = old.promotion.freeze(5), old.promotion.freeze(5)
    assert second.position == first.position
    assert (first.was_read_only, second.was_read_only) == (False, True)
    assert old.promotion.final_position() == old.promotion.final_position() == first.position
    assert new.promotion.wait_applied(first.position, 5).position == first.position
    assert new.promotion.wait_applied(first.position, 5).position == first.position
    assert new.promotion.drain_relay_log(5).position == new.promotion.drain_relay_log(5).position
    once, again = new.promotion.detach(), new.promotion.detach()
    assert (once.position, once.removed) == (first.position, old.source)
    assert (again.position, again.removed) == (first.position, None)
    assert new.promotion.drain_relay_log(5).position == first.position
    assert new.promotion.open(True) == new.promotion.open(True)
    old.promotion.attach(new.source, REPLICATION_PASSWORD, from_demotion=True)
    assert old.promotion.attach(new.source, REPLICATION_PASSWORD, from_demotion=True).was_attached


def test_thaw_undoes_a_freeze(pair: Pair) -> None:
    proof = pair.primary.promotion.freeze(5)

    first = pair.primary.promotion.thaw(proof.was_event_scheduler_on)
    second = pair.primary.promotion.thaw(proof.was_event_scheduler_on)

    assert first == second
    assert first.is_event_scheduler_on
    pair.primary.sql("INSERT INTO site.ledger VALUES (2, 'writes again')")


def test_open_transactions_are_ended_and_rolled_back(pair: Pair) -> None:
    session = pair.primary.app_session()
    session.begin()
    session.cursor().execute("INSERT INTO site.ledger VALUES (2, 'never committed')")

    proof = pair.primary.promotion.freeze(5)

    assert any("app@localhost" in line for line in proof.disconnected)
    assert pair.primary.ids() == {1}
    assert proof.position == pair.primary.probe().binlog_position
    session._force_close()


def test_a_privileged_session_that_was_open_cannot_write_after_a_freeze(pair: Pair) -> None:
    session = pair.primary.root_session()

    pair.primary.promotion.freeze(5)

    with pytest.raises(Exception, match=r"2006|2013|closed"):
        session.cursor().execute("INSERT INTO site.ledger VALUES (2, 'too late')")
    assert pair.primary.ids() == {1}


def test_privileged_programs_that_come_back_are_named_in_time_or_in_the_proof(pair: Pair) -> None:
    pair.primary.sql("GRANT READ_ONLY ADMIN ON *.* TO 'app'@'localhost'")
    writers = [Writer(pair.primary, first=1_000_000 * number) for number in range(1, 7)]
    for writer in writers:
        writer.start()
    try:
        until(lambda: all(len(writer.acknowledged) > 5 for writer in writers), "the writers writing")
        # Whether they are back before the proof ends is a race; that nobody is told of them never happens.
        try:
            named = " ".join(pair.primary.promotion.freeze(2).may_still_write)
        except DeadlineError as error:
            named = error.message
            assert pair.primary.probe().is_read_only is False
    finally:
        for writer in writers:
            writer.stop()

    assert "app" in named


def test_a_long_statement_stops_a_freeze_and_is_named(pair: Pair) -> None:
    writer = _Background(pair, "INSERT INTO site.ledger SELECT 50 + SLEEP(6), 'slow'")

    with pytest.raises(
        DeadlineError, match=r"held up by session \d+ of app@localhost \(INSERT INTO site.ledger"
    ):
        pair.primary.promotion.freeze(1.5)

    status = pair.primary.probe()
    assert status.is_read_only is False
    assert status.is_event_scheduler_on is True
    pair.primary.sql("INSERT INTO site.ledger VALUES (2, 'still the primary')")
    writer.end()


def test_a_held_table_lock_stops_a_freeze_and_is_named(pair: Pair) -> None:
    holder = pair.primary.app_session()
    holder.cursor().execute("LOCK TABLES site.ledger WRITE")

    with pytest.raises(DeadlineError, match=rf"session {holder.thread_id()} of app@localhost"):
        pair.primary.promotion.freeze(1.0)

    assert pair.primary.probe().is_read_only is False
    holder.cursor().execute("INSERT INTO site.ledger VALUES (2, 'still mine')")
    holder.close()


def test_a_global_read_lock_does_not_stop_a_freeze_and_its_holder_is_ended(pair: Pair) -> None:
    holder = pair.primary.root_session()
    holder.cursor().execute("FLUSH TABLES WITH READ LOCK")

    proof = pair.primary.promotion.freeze(5)

    assert any("root@localhost" in line for line in proof.disconnected)
    holder._force_close()


def test_final_position_is_refused_while_writes_are_taken(pair: Pair) -> None:
    with pytest.raises(DatabaseError, match="takes writes"):
        pair.primary.promotion.final_position()


def test_wait_applied_stops_early_when_applying_is_broken(pair: Pair) -> None:
    _break_applying(pair)
    position = GtidPosition.parse(pair.primary.sql("SELECT @@gtid_binlog_pos")[0][0])

    with pytest.raises(DatabaseError, match="error 1062, a row to insert is there already"):
        pair.standby.promotion.wait_applied(position, 30)
    with pytest.raises(DatabaseError, match="1062"):
        pair.standby.promotion.drain_relay_log(30)
    with pytest.raises(DatabaseError, match="1062"):
        pair.standby.promotion.detach()

    assert pair.standby.probe().replica is not None


def test_wait_applied_says_how_much_is_missing(pair: Pair) -> None:
    with pytest.raises(DeadlineError, match="100 transactions are missing"):
        pair.standby.promotion.wait_applied(GtidPosition.parse(_later(pair, 100)), 0.3)


def test_the_relay_log_of_a_dead_primary_is_drained_and_kept(pair: Pair) -> None:
    holder = pair.standby.root_session()
    holder.cursor().execute("LOCK TABLES site.ledger WRITE")
    for number in range(2, 30):
        pair.primary.sql("INSERT INTO site.ledger VALUES (%s, 'before the end')", number)
    position = GtidPosition.parse(pair.primary.sql("SELECT @@gtid_binlog_pos")[0][0])
    until(lambda: _received(pair) == position, "the standby receiving everything")
    pair.primary.kill()
    relay_logs = _relay_logs(pair)

    with pytest.raises(DeadlineError, match="28 transactions are missing"):
        pair.standby.promotion.drain_relay_log(0.5)
    assert relay_logs <= _relay_logs(pair)
    holder.close()
    drained = pair.standby.promotion.drain_relay_log(10)
    detached = pair.standby.promotion.detach()

    assert drained.position == detached.position == position
    assert pair.standby.ids() == set(range(1, 30))
    pair.standby.promotion.open(is_event_scheduler_on=True)


def test_nothing_is_started_where_starting_would_drop_the_relay_log(pair: Pair) -> None:
    pair.standby.sql("STOP SLAVE SQL_THREAD")
    pair.primary.sql("INSERT INTO site.ledger VALUES (2, 'received only')")
    position = GtidPosition.parse(pair.primary.sql("SELECT @@gtid_binlog_pos")[0][0])
    until(lambda: _received(pair) == position, "the standby receiving it")
    pair.primary.kill()
    pair.standby.sql("STOP SLAVE")

    with pytest.raises(DatabaseError, match="stopped without an error"):
        pair.standby.promotion.drain_relay_log(5)
    with pytest.raises(DatabaseError, match="not applied yet"):
        pair.standby.promotion.attach(pair.primary.source, REPLICATION_PASSWORD, from_demotion=False)

    assert _received(pair) == position
    forced = pair.standby.promotion.detach(discard_unapplied=True)
    assert forced.discarded == position
    assert not forced.position.contains(position)


def test_attach_says_why_a_thread_does_not_run(pair: Pair) -> None:
    pair.standby.promotion.detach()

    with pytest.raises(
        DatabaseError, match=r"error 1045, the primary refuses the replication account"
    ) as caught:
        pair.standby.promotion.attach(pair.primary.source, "not-this-one", from_demotion=False)

    assert "not-this-one" not in str(caught.value)


def test_attach_refuses_a_server_that_takes_writes(pair: Pair) -> None:
    with pytest.raises(DatabaseError, match="takes writes"):
        pair.primary.promotion.attach(pair.standby.source, REPLICATION_PASSWORD, from_demotion=True)


def test_open_refuses_a_replica(pair: Pair) -> None:
    with pytest.raises(DatabaseError, match="still replicates"):
        pair.standby.promotion.open(is_event_scheduler_on=True)

    assert pair.standby.probe().is_read_only is True


def test_a_primary_that_wrote_more_is_refused_as_a_standby_and_its_writes_are_listed(pair: Pair) -> None:
    old, new = pair.primary, pair.standby
    new.promotion.detach()
    cut = new.probe().applied_position
    assert cut is not None
    old.sql("INSERT INTO site.ledger VALUES (7, 'lost seven')")
    old.sql("FLUSH BINARY LOGS")
    old.sql("INSERT INTO site.ledger VALUES (8, 'lost\\neight'), (9, 'lost nine')")
    old.sql("SET SESSION binlog_format=STATEMENT")
    old.sql("UPDATE site.ledger SET note='changed' WHERE id=7")
    new.promotion.open(is_event_scheduler_on=True)
    new.sql("INSERT INTO site.ledger VALUES (10, 'new line')")
    old.kill()
    old.start()

    lost = old.promotion.transactions_after(cut, 20)
    with pytest.raises(DatabaseError, match="1236"):
        old.promotion.attach(new.source, REPLICATION_PASSWORD, from_demotion=True)

    assert (lost.expected_count, lost.is_truncated) == (3, False)
    texts = [transaction.statements for transaction in lost.transactions]
    assert texts == [
        ("INSERT INTO `site`.`ledger` SET @1=7 @2='lost seven'",),
        (
            "INSERT INTO `site`.`ledger` SET @1=8 @2='lost\\x0aeight'",
            "INSERT INTO `site`.`ledger` SET @1=9 @2='lost nine'",
        ),
        ("UPDATE site.ledger SET note='changed' WHERE id=7",),
    ]
    assert all(transaction.gtid.server_id == 1 for transaction in lost.transactions)
    assert all(transaction.timestamp for transaction in lost.transactions)
    assert lost == old.promotion.transactions_after(cut, 20)


def test_nothing_beyond_the_end(pair: Pair) -> None:
    end = pair.primary.probe().binlog_position
    assert end is not None

    assert pair.primary.promotion.transactions_after(end, 20).transactions == ()


def test_a_frozen_server_refuses_orders_within_the_limit(pair: Pair) -> None:
    pair.primary.signal(signal.SIGSTOP)
    try:
        with pytest.raises(DatabaseError, match="says nothing within 1 s"):
            pair.primary.promotion.freeze(3)
    finally:
        pair.primary.signal(signal.SIGCONT)

    assert pair.primary.probe().is_read_only is False


class _Background:
    """One statement of the application, under way."""

    def __init__(self, pair: Pair, statement: str) -> None:
        self._session = pair.primary.app_session()
        self._session._execute_command(3, statement)  # COM_QUERY, the answer is not waited for
        identity = self._session.thread_id()
        question = "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID=%s AND INFO IS NOT NULL"
        until(lambda: pair.primary.sql(question, identity), "the statement running")

    def end(self) -> None:
        self._session._force_close()


def _break_applying(pair: Pair) -> None:
    pair.standby.sql("SET SESSION sql_log_bin=0")
    pair.standby.sql("INSERT INTO site.ledger VALUES (2, 'in the way')")
    pair.standby.sql("SET SESSION sql_log_bin=1")
    pair.primary.sql("INSERT INTO site.ledger VALUES (2, 'collides')")
    until(lambda: _replica(pair).sql_running is ThreadState.NO, "applying breaking")


def _replica(pair: Pair) -> ReplicaStatus:
    replica = pair.standby.probe().replica
    assert replica is not None
    return replica


def _received(pair: Pair) -> GtidPosition | None:
    return _replica(pair).received_position


def _relay_logs(pair: Pair) -> set[str]:
    return {path.name for path in pair.standby.data.glob("relay.0*")}


def _later(pair: Pair, count: int) -> str:
    domain, server, sequence = pair.primary.sql("SELECT @@gtid_binlog_pos")[0][0].split("-")
    return f"{domain}-{server}-{int(sequence) + count}"
