from __future__ import annotations

from dataclasses import replace

import pytest

from failover.model.codes import Code
from failover.model.finding import Finding, Severity
from failover.replication.health import HealthLimits, errant_transactions, judge
from failover.replication.model import (
    Gtid,
    GtidPosition,
    ReplicaStatus,
    ServerStatus,
    ThreadState,
    Verdict,
    parse_gtids,
)

REPLICA = ReplicaStatus(
    source_host="10.0.0.1",
    source_port=3306,
    source_user="failover_repl",
    source_certificate_authority=None,
    source_server_id=1,
    channel="",
    io_running=ThreadState.YES,
    sql_running=ThreadState.YES,
    io_errno=None,
    io_error=None,
    sql_errno=None,
    sql_error=None,
    received_position=GtidPosition.parse("0-1-42"),
    applied_position=GtidPosition.parse("0-1-42"),
    seconds_behind=0.0,
    read_file_position=None,
    applied_file_position=None,
    delay_seconds=0.0,
    unapplied=False,
)
PRIMARY = ServerStatus(
    Verdict.UP,
    server_id=1,
    is_read_only=False,
    binlog_position=GtidPosition.parse("0-1-42"),
    binlog_state=parse_gtids("0-1-42"),
    applied_position=GtidPosition(),
    is_replica=False,
)
STANDBY = ServerStatus(
    Verdict.UP,
    server_id=2,
    is_read_only=True,
    binlog_position=GtidPosition.parse("0-1-42"),
    binlog_state=parse_gtids("0-1-42"),
    applied_position=GtidPosition.parse("0-1-42"),
    is_replica=True,
    replica=REPLICA,
)


def found(primary: ServerStatus | None, standby: ServerStatus | None) -> dict[Code, Finding]:
    return {finding.code: finding for finding in judge(primary, standby, {"10.0.0.1"}, HealthLimits())}


def with_replica(**changes: object) -> ServerStatus:
    return replace(STANDBY, replica=replace(REPLICA, **changes))  # type: ignore[arg-type]


def test_a_healthy_pair_has_one_good_finding() -> None:
    assert {code: finding.severity for code, finding in found(PRIMARY, STANDBY).items()} == {
        Code.REPLICATION_OK: Severity.OK
    }


def test_a_good_finding_does_not_hide_what_is_missing() -> None:
    ahead = replace(PRIMARY, binlog_position=GtidPosition.parse("0-1-44,1-1-3"))

    [finding] = judge(ahead, STANDBY, {"10.0.0.1"}, HealthLimits())

    assert finding.code is Code.REPLICATION_OK
    assert "5 transactions (2 in domain 0, 3 in domain 1) behind" in finding.summary


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.UP_FULL, Code.DATABASE_FULL),
        (Verdict.UP_CANNOT_WRITE, Code.DATABASE_CANNOT_WRITE),
        (Verdict.BLOCKED_ON_ACK, Code.DATABASE_BLOCKED_ON_ACK),
        (Verdict.FROZEN, Code.DATABASE_FROZEN),
        (Verdict.REFUSED, Code.DATABASE_UNREACHABLE),
        (Verdict.UNREACHABLE, Code.DATABASE_UNREACHABLE),
    ],
)
def test_every_verdict_but_up_is_critical_on_either_node(verdict: Verdict, code: Code) -> None:
    for pair in ((ServerStatus(verdict), STANDBY), (PRIMARY, ServerStatus(verdict))):
        findings = found(*pair)

        assert findings[code].severity is Severity.CRITICAL
        assert Code.REPLICATION_OK not in findings


def test_nobody_to_ask_is_unknown_and_blocks() -> None:
    for pair in ((None, STANDBY), (PRIMARY, None)):
        findings = found(*pair)

        assert findings[Code.DATABASE_UNKNOWN].blocks
        assert Code.REPLICATION_OK not in findings


def test_no_lag_is_unknown_never_none() -> None:
    findings = found(PRIMARY, with_replica(seconds_behind=None))

    assert findings[Code.REPLICATION_LAG_UNKNOWN].blocks
    assert Code.REPLICATION_OK not in findings


def test_an_unknown_position_of_the_primary_is_an_unknown_lag() -> None:
    assert found(replace(PRIMARY, binlog_position=None), STANDBY)[Code.REPLICATION_LAG_UNKNOWN].blocks


@pytest.mark.parametrize(
    ("seconds", "delay", "severity"),
    [(9.0, 0.0, None), (10.0, 0.0, Severity.WARNING), (60.0, 0.0, Severity.CRITICAL), (65.0, 60.0, None)],
)
def test_lag_against_its_limits(seconds: float, delay: float, severity: Severity | None) -> None:
    finding = found(PRIMARY, with_replica(seconds_behind=seconds, delay_seconds=delay)).get(
        Code.REPLICATION_LAGGING
    )

    assert (None if finding is None else finding.severity) == severity


def test_a_stopped_thread_says_its_number_and_what_it_means() -> None:
    findings = found(
        PRIMARY,
        with_replica(
            io_running=ThreadState.NO,
            io_errno=1236,
            io_error="purged",
            sql_running=ThreadState.NO,
            sql_errno=1062,
            sql_error="Duplicate entry",
            seconds_behind=None,
        ),
    )

    assert (
        "error 1236, the primary does not have the next transaction"
        in findings[Code.REPLICATION_IO_STOPPED].summary
    )
    assert "error 1062, a row to insert is there already" in findings[Code.REPLICATION_SQL_STOPPED].summary


def test_connecting_is_not_receiving() -> None:
    findings = found(
        PRIMARY, with_replica(io_running=ThreadState.CONNECTING, io_errno=2003, seconds_behind=None)
    )

    assert findings[Code.REPLICATION_IO_STOPPED].severity is Severity.CRITICAL


def test_roles() -> None:
    findings = found(replace(PRIMARY, is_read_only=True), replace(STANDBY, is_read_only=False))

    assert {Code.PRIMARY_READ_ONLY, Code.STANDBY_WRITABLE} == set(findings)


def test_no_source_and_the_wrong_source() -> None:
    assert Code.REPLICATION_NOT_CONFIGURED in found(PRIMARY, replace(STANDBY, is_replica=False, replica=None))
    assert Code.REPLICATION_WRONG_SOURCE in found(PRIMARY, with_replica(source_host="10.9.9.9"))


def test_replication_that_does_not_speak_is_unknown() -> None:
    silent = replace(STANDBY, is_replica=None, replica=None, detail="no answer")

    assert found(PRIMARY, silent)[Code.REPLICATION_LAG_UNKNOWN].blocks


def test_a_refused_login_is_a_living_server() -> None:
    findings = found(ServerStatus(Verdict.UP, "access denied", login_errno=1045), STANDBY)

    assert findings[Code.DATABASE_LOGIN_REFUSED].severity is Severity.UNKNOWN
    assert Code.DATABASE_UNREACHABLE not in findings


def test_what_the_standby_wrote_itself_is_errant_even_under_later_transactions() -> None:
    standby = replace(STANDBY, binlog_state=parse_gtids("0-2-43,0-1-50"))
    primary = replace(PRIMARY, binlog_state=parse_gtids("0-1-50"))

    assert errant_transactions(standby, primary) == (Gtid(0, 2, 43),)
    assert found(primary, standby)[Code.ERRANT_TRANSACTIONS].severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("state", "applied"), [("0-1-42,0-2-30", ""), ("0-1-42", "0-2-30"), ("0-1-42,0-2-35", "")]
)
def test_what_it_wrote_as_a_former_primary_is_not(state: str, applied: str) -> None:
    standby = replace(STANDBY, binlog_state=parse_gtids("0-1-42,0-2-30"))
    primary = replace(PRIMARY, binlog_state=parse_gtids(state), applied_position=GtidPosition.parse(applied))

    assert errant_transactions(standby, primary) == ()


def test_a_standby_ahead_by_the_primarys_own_transaction_is_not_errant() -> None:
    assert errant_transactions(replace(STANDBY, binlog_state=parse_gtids("0-1-43")), PRIMARY) == ()
