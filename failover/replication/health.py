"""Facts of both servers into findings. Pure; an unknown is never taken for good news.

Read the standby first and the primary after it: the other way round, what the primary commits in between looks like
something that only the standby has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from failover.model.codes import Code
from failover.model.finding import Finding, Severity
from failover.replication.errnos import CANNOT_HEAL, why_not_applying, why_not_receiving
from failover.replication.model import Gtid, ReplicaStatus, ServerStatus, ThreadState, Verdict


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """From where on lag is worth a finding, seconds (`lag_warning_seconds`, `lag_critical_seconds`)."""

    lag_warning_seconds: float = 10.0
    lag_critical_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class PairNames:
    """What findings call the two nodes."""

    primary: str = "primary"
    standby: str = "standby"


def judge(
    primary: ServerStatus | None,
    standby: ServerStatus | None,
    expected_sources: Collection[str],
    limits: HealthLimits,
    names: PairNames | None = None,
) -> tuple[Finding, ...]:
    """Every finding about the pair's databases; one REPLICATION_OK if there is nothing else to say.

    None for a server means nobody could ask (its agent does not answer). `expected_sources` are the addresses the
    standby may know the primary by. An errant transaction is found from this one pair of looks: alert on it only
    after a second pair said the same (`errant_transactions` twice, both).
    """
    names = names or PairNames()
    findings = [
        *_judge_server(primary, names.primary),
        *_judge_server(standby, names.standby),
        *_judge_primary_role(primary, names.primary),
        *_judge_standby_role(standby, names.standby),
    ]
    if standby is not None and standby.verdict.answers and standby.login_errno is None:
        findings += _judge_replication(primary, standby, expected_sources, limits, names)
    if not findings:
        findings.append(_ok(primary, standby, names))
    return tuple(findings)


def errant_transactions(standby: ServerStatus, primary: ServerStatus) -> tuple[Gtid, ...]:
    """What was written on the standby and the primary never had: its last such transaction, by domain.

    Read the standby first. () also where a position is unknown: `judge` says that apart.
    """
    if standby.binlog_state is None or primary.binlog_state is None or standby.server_id is None:
        return ()
    known = {(gtid.domain, gtid.server_id): gtid.sequence for gtid in primary.binlog_state}
    # A primary that was restored from a copy may know these only as applied.
    for gtid in primary.applied_position.gtids if primary.applied_position is not None else ():
        key = (gtid.domain, gtid.server_id)
        known[key] = max(known.get(key, 0), gtid.sequence)
    return tuple(
        gtid
        for gtid in standby.binlog_state
        if gtid.server_id == standby.server_id and gtid.sequence > known.get((gtid.domain, gtid.server_id), 0)
    )


def transactions_behind(standby: ServerStatus, primary: ServerStatus) -> dict[int, int] | None:
    """How many transactions the standby has not applied, by domain; None if either position is unknown."""
    if standby.applied_position is None or primary.binlog_position is None:
        return None
    return standby.applied_position.missing_by_domain(primary.binlog_position)


def _ok(primary: ServerStatus | None, standby: ServerStatus | None, names: PairNames) -> Finding:
    assert primary is not None
    assert standby is not None
    behind = transactions_behind(standby, primary)
    now = f"is {_count(behind)} behind" if behind else "has applied everything"
    summary = f"{names.standby} replicates from {names.primary} and {now}"
    return Finding(Code.REPLICATION_OK, Severity.OK, summary, subject=names.standby)


def _judge_server(status: ServerStatus | None, name: str) -> Iterator[Finding]:
    if status is None:
        summary = f"nobody on {name} could ask its database"
        yield Finding(Code.DATABASE_UNKNOWN, Severity.UNKNOWN, summary, subject=name)
        return
    detail = f": {status.detail}" if status.detail else ""
    match status.verdict:
        case Verdict.UP if status.login_errno is not None:
            summary = f"the database on {name} lives, but refuses failover's account{detail}"
            hint = "check the account, its password and its privileges on that host"
            yield Finding(Code.DATABASE_LOGIN_REFUSED, Severity.UNKNOWN, summary, hint, name)
        case Verdict.UP:
            if status.detail:
                summary = f"the database on {name} answered in part{detail}"
                yield Finding(Code.DATABASE_UNKNOWN, Severity.UNKNOWN, summary, subject=name)
        case Verdict.UP_CANNOT_WRITE:
            summary = f"the database on {name} cannot write{detail}"
            yield Finding(Code.DATABASE_CANNOT_WRITE, Severity.CRITICAL, summary, subject=name)
        case Verdict.UP_FULL:
            summary = f"the database on {name} takes no more connections{detail}"
            hint = "it is alive: end sessions or raise its limit, do not fail over"
            yield Finding(Code.DATABASE_FULL, Severity.CRITICAL, summary, hint, name)
        case Verdict.BLOCKED_ON_ACK:
            summary = f"commits hang on {name}{detail}"
            yield Finding(Code.DATABASE_BLOCKED_ON_ACK, Severity.CRITICAL, summary, subject=name)
        case Verdict.FROZEN:
            summary = f"the database on {name} takes connections and says nothing{detail}"
            yield Finding(Code.DATABASE_FROZEN, Severity.CRITICAL, summary, subject=name)
        case Verdict.REFUSED | Verdict.UNREACHABLE:
            summary = f"the database on {name} does not answer{detail}"
            yield Finding(Code.DATABASE_UNREACHABLE, Severity.CRITICAL, summary, subject=name)


def _judge_primary_role(status: ServerStatus | None, name: str) -> Iterator[Finding]:
    if status is not None and status.is_read_only:
        summary = f"the database on {name} is the primary and refuses writes"
        hint = (
            "a server is read-only after every start; if no node holds a higher epoch (failover status), "
            f"on {name}: mariadb -e 'SET GLOBAL read_only = 0', then run its enter-primary hooks"
        )
        yield Finding(Code.PRIMARY_READ_ONLY, Severity.CRITICAL, summary, hint, name)


def _judge_standby_role(status: ServerStatus | None, name: str) -> Iterator[Finding]:
    if status is not None and status.is_read_only is False:
        summary = f"the database on {name} is the standby and takes writes"
        hint = "anything written there will break replication or be lost"
        yield Finding(Code.STANDBY_WRITABLE, Severity.CRITICAL, summary, hint, name)


def _judge_replication(
    primary: ServerStatus | None,
    standby: ServerStatus,
    expected_sources: Collection[str],
    limits: HealthLimits,
    names: PairNames,
) -> Iterator[Finding]:
    name = names.standby
    if primary is not None and (errant := errant_transactions(standby, primary)):
        summary = f"{name} has transactions {names.primary} never had: {', '.join(map(str, errant))}"
        yield Finding(
            Code.ERRANT_TRANSACTIONS, Severity.CRITICAL, summary, "list them before you decide", name
        )
    if standby.is_replica is False:
        summary = f"{name} does not replicate from anywhere"
        hint = f"failover rejoin {name}"
        yield Finding(Code.REPLICATION_NOT_CONFIGURED, Severity.CRITICAL, summary, hint, name)
        return
    replica = standby.replica
    if replica is None:
        summary = f"{name} does not say how its replication is"
        yield Finding(Code.REPLICATION_LAG_UNKNOWN, Severity.UNKNOWN, summary, subject=name)
        return
    if replica.source_host not in expected_sources:
        summary = f"{name} replicates from {replica.source_host or 'nowhere'}, not from {names.primary}"
        yield Finding(Code.REPLICATION_WRONG_SOURCE, Severity.CRITICAL, summary, subject=name)
    yield from _judge_threads(replica, name)
    yield from _judge_lag(primary, standby, replica, limits, names)


def _judge_threads(replica: ReplicaStatus, name: str) -> Iterator[Finding]:
    if replica.io_running is not ThreadState.YES:
        word = (
            "cannot connect to receive"
            if replica.io_running is ThreadState.CONNECTING
            else "does not receive"
        )
        summary = f"{name} {word}: {why_not_receiving(replica)}"
        hint = "waiting will not cure this" if replica.io_errno in CANNOT_HEAL else None
        yield Finding(Code.REPLICATION_IO_STOPPED, Severity.CRITICAL, summary, hint, name)
    if replica.sql_running is not ThreadState.YES:
        summary = f"{name} does not apply: {why_not_applying(replica)}"
        yield Finding(Code.REPLICATION_SQL_STOPPED, Severity.CRITICAL, summary, subject=name)


def _judge_lag(
    primary: ServerStatus | None,
    standby: ServerStatus,
    replica: ReplicaStatus,
    limits: HealthLimits,
    names: PairNames,
) -> Iterator[Finding]:
    behind = None if primary is None else transactions_behind(standby, primary)
    seconds = replica.seconds_behind
    if behind is None or seconds is None:
        unknown = "how many transactions it lacks" if behind is None else "for how long it has been behind"
        known = f"; it lacks {_count(behind)}" if behind else ""
        summary = f"{names.standby} cannot tell {unknown}{known}"
        yield Finding(Code.REPLICATION_LAG_UNKNOWN, Severity.UNKNOWN, summary, subject=names.standby)
        return
    # Being told to stay behind is no lag.
    lag = max(0.0, seconds - replica.delay_seconds)
    if lag >= limits.lag_warning_seconds:
        severity = Severity.CRITICAL if lag >= limits.lag_critical_seconds else Severity.WARNING
        lacks = f" and lacks {_count(behind)}" if behind else ""
        summary = f"{names.standby} is {lag:.0f} s behind {names.primary}{lacks}"
        yield Finding(Code.REPLICATION_LAGGING, severity, summary, subject=names.standby)


def _count(behind: dict[int, int]) -> str:
    total = sum(behind.values())
    where = ", ".join(f"{count} in domain {domain}" for domain, count in behind.items())
    return f"{total} transaction{'' if total == 1 else 's'}" + (f" ({where})" if len(behind) > 1 else "")
