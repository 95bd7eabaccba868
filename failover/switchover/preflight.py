"""Would a switchover work right now? The facts of one look judged into findings. Pure.

The same functions serve `switchover`, `status` and `check readiness`. A finding that blocks can be accepted by its
code; an unknown blocks like a fault.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from failover.config.settings import Settings
from failover.dns.health import judge as judge_dns
from failover.dns.register import Register
from failover.model.codes import Code
from failover.model.finding import Finding, Severity
from failover.model.role import Role
from failover.replication.health import HealthLimits, PairNames
from failover.replication.health import judge as judge_replication
from failover.replication.model import ServerStatus
from failover.switchover.facts import NodeView, PairFacts
from failover.switchover.plan import Operation, Plan
from failover.sync.health import judge_mirrors


def judge_pair(facts: PairFacts, settings: Settings) -> tuple[Finding, ...]:
    """Everything about the pair as it is: what `status` shows and a planned switchover must pass."""
    findings = [*_judge_nodes(facts)]
    primary = facts.primary
    if primary is None:
        return tuple(findings)
    standby = facts.peer_of(primary.name)
    assert primary.facts is not None
    assert primary.epoch is not None
    findings += judge_databases(facts, settings)
    findings += judge_mirrors(primary.name, primary.facts.mirrors, settings.mirrors)
    findings += _judge_names(facts, settings, Register(primary.epoch, primary.name))
    if standby.epoch is not None and standby.epoch != primary.epoch:
        findings.append(_epoch_disagrees(standby, primary))
    return tuple(findings)


def judge_databases(facts: PairFacts, settings: Settings) -> tuple[Finding, ...]:
    """The databases of both nodes, by the roles they hold; UNKNOWN if no node says that it is primary."""
    primary = facts.primary
    if primary is None:
        return (
            Finding(
                Code.ROLE_UNKNOWN, Severity.UNKNOWN, "no node says that it is primary", "failover status"
            ),
        )
    standby = facts.peer_of(primary.name)
    limits = HealthLimits(settings.database.lag_warning_seconds, settings.database.lag_critical_seconds)
    return judge_replication(
        primary.database,
        standby.database,
        {settings.nodes[primary.name].address, primary.name},
        limits,
        PairNames(primary.name, standby.name),
    )


def preflight(plan: Plan, facts: PairFacts, settings: Settings) -> tuple[Finding, ...]:
    """What stands in the way of this plan, all of it at once, and what is merely worth knowing."""
    match plan.operation:
        case Operation.PLANNED:
            return judge_pair(facts, settings)
        case Operation.PRIMARY_DEAD:
            return _judge_takeover(plan, facts, settings)
        case Operation.INIT:
            return _judge_beginning(plan, facts, settings)


def blockers(findings: Collection[Finding], accepted: Collection[Code]) -> tuple[Finding, ...]:
    """The findings that stand in the way and were not accepted by name."""
    return tuple(found for found in findings if found.blocks and found.code not in accepted)


def _judge_nodes(facts: PairFacts) -> Iterator[Finding]:
    for view in facts.nodes.values():
        if view.facts is None:
            summary = f"{view.name} does not answer: {view.trouble}"
            yield Finding(
                Code.NODE_UNREACHABLE, Severity.CRITICAL, summary, f"try: ssh {view.name}", view.name
            )
        elif view.role is None:
            hint = "a new pair: failover init --primary NODE"
            yield Finding(
                Code.ROLE_UNKNOWN, Severity.UNKNOWN, f"{view.name} has no role yet", hint, view.name
            )
    primaries = [view for view in facts.nodes.values() if view.role is Role.PRIMARY]
    roles = [view.role for view in facts.nodes.values()]
    if len(primaries) > 1:
        summary = (
            " and ".join(f"{view.name} (epoch {view.epoch})" for view in primaries)
            + " both hold the primary role"
        )
        yield Finding(
            Code.ROLES_DISAGREE,
            Severity.CRITICAL,
            summary,
            "the higher epoch wins; the other one is fenced by it",
        )
    elif roles == [Role.STANDBY, Role.STANDBY]:
        hint = "a switchover was cut short: failover switchover --resume"
        yield Finding(Code.ROLES_DISAGREE, Severity.CRITICAL, "both nodes hold the standby role", hint)


def _epoch_disagrees(standby: NodeView, primary: NodeView) -> Finding:
    summary = f"{standby.name} is in epoch {standby.epoch}, {primary.name} in epoch {primary.epoch}"
    hint = f"{standby.name} missed a change of roles; it takes nothing from {primary.name} until it rejoins"
    return Finding(Code.EPOCH_DISAGREES, Severity.CRITICAL, summary, hint, standby.name)


def _judge_names(facts: PairFacts, settings: Settings, expected: Register) -> tuple[Finding, ...]:
    if facts.dns.matrix is None:
        why = "; ".join(facts.dns.troubles) or "no authority was found"
        return (
            Finding(
                Code.DNS_UNREACHABLE,
                Severity.CRITICAL,
                f"DNS cannot be asked: {why}",
                None,
                settings.dns.zone,
            ),
        )
    addresses = {name: (node.address,) for name, node in settings.nodes.items()}
    return judge_dns(settings.dns, facts.dns.matrix, expected, addresses)


def _judge_takeover(plan: Plan, facts: PairFacts, settings: Settings) -> tuple[Finding, ...]:
    """For a dead primary: signs that it lives, and whether the standby can serve. Its lag is not asked: it is lost."""
    old, new = facts.nodes[plan.old], facts.nodes[plan.new]
    findings = [*_judge_life(old, new)]
    findings += _judge_candidate(new)
    # The node may know a later epoch than the register, never an earlier one: then somebody else took over.
    assert new.facts is not None
    assert new.facts.state is not None
    expected = Register(new.facts.state.epoch, new.facts.state.primary)
    findings += _judge_names(facts, settings, expected)
    return tuple(findings)


def _judge_life(old: NodeView, new: NodeView) -> Iterator[Finding]:
    """What speaks against the primary being dead: what it says itself, and what the standby sees of it."""
    signs = []
    if old.facts is not None:
        signs.append("its agent answers")
        if old.database is not None and old.database.verdict.answers:
            signs.append(
                "its database answers" + (" and takes writes" if old.database.is_read_only is False else "")
            )
    if new.reaches_at_peer:
        signs.append(f"{new.name} reaches its {' and '.join(new.reaches_at_peer)}")
    if not signs:
        return
    yield Finding(
        Code.PRIMARY_ANSWERS,
        Severity.CRITICAL,
        f"{old.name} is alive: {', '.join(signs)}",
        "without --primary-dead the switchover loses nothing; if it has to be: --accept primary-answers",
        old.name,
    )


def _judge_candidate(new: NodeView) -> Iterator[Finding]:
    status = new.database
    if status is None or not status.verdict.answers:
        yield from _judge_silent_candidate(new, status)
        return
    if status.replica is None:
        if status.is_read_only:
            summary = f"the database on {new.name} is no replica (any more)"
            hint = "if an earlier takeover was cut short: failover switchover --resume"
            yield Finding(Code.REPLICATION_NOT_CONFIGURED, Severity.CRITICAL, summary, hint, new.name)
        return
    if status.replica.sql_errno is not None:
        summary = (
            f"the database on {new.name} stopped applying with error {status.replica.sql_errno}: "
            f"{status.replica.sql_error}"
        )
        yield Finding(Code.REPLICATION_SQL_STOPPED, Severity.CRITICAL, summary, "cure it first", new.name)


def _judge_silent_candidate(new: NodeView, status: ServerStatus | None) -> Iterator[Finding]:
    verdict = "unknown" if status is None else status.verdict
    yield Finding(
        Code.DATABASE_UNREACHABLE,
        Severity.CRITICAL,
        f"the database on {new.name} cannot be promoted: it is {verdict}",
        f"on {new.name}: systemctl status mariadb",
        new.name,
    )


def _judge_beginning(plan: Plan, facts: PairFacts, settings: Settings) -> tuple[Finding, ...]:
    """For `init`: both nodes answer and know no other role, and the standby replicates from the primary-to-be."""
    findings = [
        Finding(
            Code.NODE_UNREACHABLE,
            Severity.CRITICAL,
            f"{view.name} does not answer: {view.trouble}",
            None,
            view.name,
        )
        for view in facts.nodes.values()
        if view.facts is None
    ]
    for view in facts.nodes.values():
        state = None if view.facts is None else view.facts.state
        if state is not None and (state.epoch, state.primary) != (plan.epoch, plan.new):
            summary = f"{view.name} is in epoch {state.epoch} with primary {state.primary} already"
            hint = "this pair is in service: failover switchover changes its roles"
            findings.append(Finding(Code.ROLES_DISAGREE, Severity.CRITICAL, summary, hint, view.name))
    new_database = facts.nodes[plan.new].database
    if new_database is not None and new_database.replica is not None:
        summary = (
            f"the database on {plan.new} replicates from {new_database.replica.source_host}: it is a standby"
        )
        hint = f"name the other node: failover init --primary {plan.old}"
        findings.append(Finding(Code.PRIMARY_REPLICATES, Severity.CRITICAL, summary, hint, plan.new))
    if findings:
        return tuple(findings)
    limits = HealthLimits(settings.database.lag_warning_seconds, settings.database.lag_critical_seconds)
    new, old = facts.nodes[plan.new], facts.nodes[plan.old]
    judged = judge_replication(
        new.database,
        old.database,
        {settings.nodes[new.name].address, new.name},
        limits,
        PairNames(new.name, old.name),
    )
    # A server born fenced is read-only until it is given its role: opening it is what init is for.
    return tuple(found for found in judged if found.code is not Code.PRIMARY_READ_ONLY)
