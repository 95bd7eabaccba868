"""The pair at one moment, for people and for programs: the text and the JSON of `failover status`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from failover.config.settings import Settings
from failover.dns.plan import register_key, wanted_records
from failover.dns.register import Register
from failover.dns.table import matrix_lines
from failover.model.finding import Finding, worst
from failover.model.role import Role
from failover.replication.health import transactions_behind
from failover.replication.model import ServerStatus
from failover.switchover.facts import NodeView, PairFacts
from failover.sync.status import MirrorStatus


def as_json(facts: PairFacts, findings: Sequence[Finding], settings: Settings) -> dict[str, Any]:
    """Everything known. An unknown is null, never 0 or ""."""
    primary = facts.primary
    mirrors = _mirrors_of(primary)
    return {
        "at": facts.at.isoformat(),
        "severity": worst(findings).word,
        "primary": None if primary is None else primary.name,
        "epoch": facts.highest_epoch,
        "nodes": {
            name: _node_as_json(view) | {"is_outranked": view.role is Role.PRIMARY and view is not primary}
            for name, view in facts.nodes.items()
        },
        "mirrors": None if mirrors is None else {status.mirror: status.to_json() for status in mirrors},
        "replication": _replication_as_json(facts),
        "dns": {
            "register": None if facts.dns.register is None else str(facts.dns.register),
            "register_name": register_key(settings.dns)[0],
            "authorities": None if facts.dns.matrix is None else facts.dns.matrix.as_json(),
            "troubles": list(facts.dns.troubles),
        },
    }


def as_text(facts: PairFacts, findings: Sequence[Finding], settings: Settings) -> Iterator[str]:
    """The lines of the picture, without the findings."""
    yield from _columns([("NODE", "ROLE", "EPOCH", "DATABASE", "ADDRESS"), *_node_rows(facts, settings)])
    yield ""
    yield from _columns([("MIRROR", "STATE", "WAITING", "OLDEST", "LAST CHECKPOINT"), *_mirror_rows(facts)])
    yield ""
    yield from _replication_lines(facts)
    yield ""
    yield from _dns_lines(facts, settings)
    yield ""
    yield f"{worst(findings).word}: " + (
        "a switchover would work now"
        if not any(found.blocks for found in findings)
        else "a switchover would be refused now"
    )


def _mirrors_of(view: NodeView | None) -> tuple[MirrorStatus, ...] | None:
    return None if view is None or view.facts is None else view.facts.mirrors


def _node_as_json(view: NodeView) -> dict[str, Any]:
    facts = view.facts
    return {
        "reachable": facts is not None,
        "trouble": view.trouble,
        "role": None if view.role is None else view.role.value,
        "epoch": view.epoch,
        "version": None if facts is None else facts.version,
        "clock": None if facts is None else facts.now,
        "database": None if view.database is None else _database_as_json(view.database),
    }


def _database_as_json(status: ServerStatus) -> dict[str, Any]:
    return {
        "verdict": status.verdict.value,
        "detail": status.detail,
        "version": status.version,
        "is_read_only": status.is_read_only,
        "position": None if status.binlog_position is None else str(status.binlog_position),
        "is_replica": status.is_replica,
    }


def _replication_as_json(facts: PairFacts) -> dict[str, Any]:
    primary = facts.primary
    standby = None if primary is None else facts.peer_of(primary.name).database
    replica = None if standby is None else standby.replica
    return {
        "transactions_behind": _behind(facts),
        "seconds_behind": None if replica is None else replica.seconds_behind,
        "io_running": None if replica is None else replica.io_running.value,
        "sql_running": None if replica is None else replica.sql_running.value,
        "source": None if replica is None else replica.source_host,
    }


def _behind(facts: PairFacts) -> int | None:
    """Transactions that the standby has not applied, all domains together; None if nobody can tell."""
    primary = facts.primary
    if primary is None:
        return None
    standby = facts.peer_of(primary.name).database
    if primary.database is None or standby is None:
        return None
    behind = transactions_behind(standby, primary.database)
    return None if behind is None else sum(behind.values())


def _node_rows(facts: PairFacts, settings: Settings) -> Iterator[tuple[str, ...]]:
    for view in facts.nodes.values():
        role = "unreachable" if view.facts is None else view.role or "no role"
        if view.role is Role.PRIMARY and view is not facts.primary:
            role = "primary, outranked"
        yield (
            view.name,
            str(role),
            "?" if view.epoch is None else str(view.epoch),
            _database_word(view.database),
            settings.nodes[view.name].address,
        )


def _database_word(status: ServerStatus | None) -> str:
    if status is None:
        return "unknown"
    access = {True: ", read-only", False: ", writable", None: ""}[status.is_read_only]
    return f"{status.verdict}{access}"


def _mirror_rows(facts: PairFacts) -> Iterator[tuple[str, ...]]:
    mirrors = _mirrors_of(facts.primary)
    if mirrors is None:
        yield ("?", "unknown", "?", "?", "?")
        return
    for status in mirrors:
        age = "-" if status.oldest_age_seconds is None else f"{status.oldest_age_seconds:.1f} s"
        waiting = "?" if status.waiting_paths is None else str(status.waiting_paths)
        yield (status.mirror, status.state.value, waiting, age, status.last_checkpoint or "none")


def _replication_lines(facts: PairFacts) -> Iterator[str]:
    told = _replication_as_json(facts)
    if told["source"] is None:
        yield "replication: unknown, or there is none"
        return
    behind = "unknown" if told["transactions_behind"] is None else str(told["transactions_behind"])
    yield (
        f"replication from {told['source']}: {behind} transactions behind, "
        f"receiving {told['io_running']}, applying {told['sql_running']}"
    )


def _dns_lines(facts: PairFacts, settings: Settings) -> Iterator[str]:
    yield f"register {register_key(settings.dns)[0]}: {facts.dns.register or 'unknown'}"
    if facts.dns.matrix is None:
        yield f"authorities: unknown ({'; '.join(facts.dns.troubles)})"
        return
    primary = facts.primary
    wanted = {}
    if primary is not None and primary.epoch is not None:
        wanted = wanted_records(settings.dns, Register(primary.epoch, primary.name))
    yield from matrix_lines(facts.dns.matrix, wanted)


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()
