"""What is wanted, against what is known: which operation it is, or why there is none. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from failover.config.settings import Settings
from failover.errors import ExitStatus, FailoverError, SwitchoverError, UnreachableError, UsageError
from failover.model.codes import Code
from failover.model.role import Role
from failover.switchover.facts import NodeView, PairFacts
from failover.switchover.plan import Operation, Plan, make_plan


@dataclass(frozen=True, slots=True)
class Request:
    """What the operator asked for."""

    target: str | None = None
    """The node that shall be primary; None: the one that is not."""
    is_primary_dead: bool = False
    accepted: frozenset[Code] = frozenset()
    """Findings that shall not stand in the way."""


def plan_switchover(request: Request, facts: PairFacts, settings: Settings) -> Plan:
    """The plan for what was asked.

    Raises:
        UsageError: the target is no node of this pair.
        SwitchoverError: it is primary already, or no role is known.
        UnreachableError: the target, or for a planned switchover the primary, does not answer.
    """
    if request.target is not None and request.target not in facts.nodes:
        raise UsageError(
            f"there is no node {request.target!r}",
            hint=f"the nodes are {' and '.join(facts.nodes)}",
            exit_status=ExitStatus.UNKNOWN_NODE,
        )
    if request.is_primary_dead:
        return _plan_takeover(request, facts, settings)
    primary = facts.primary
    if primary is None:
        raise _why_no_primary(facts)
    new = facts.peer_of(primary.name)
    if request.target == primary.name:
        raise _is_primary_already(primary)
    if new.facts is None:
        raise UnreachableError(
            f"the standby {new.name} does not answer: {new.trouble}", hint=f"try: ssh {new.name}"
        )
    assert primary.epoch is not None
    return _plan(Operation.PLANNED, primary.name, new.name, primary.epoch + 1, settings)


def _plan_takeover(request: Request, facts: PairFacts, settings: Settings) -> Plan:
    candidates = [view for view in facts.nodes.values() if view.role is Role.STANDBY]
    if request.target is not None:
        candidates = [view for view in candidates if view.name == request.target]
    if len(candidates) != 1:
        raise _why_no_candidate(request, facts)
    new = candidates[0]
    assert facts.highest_epoch is not None
    return _plan(
        Operation.PRIMARY_DEAD, facts.peer_of(new.name).name, new.name, facts.highest_epoch + 1, settings
    )


def plan_init(primary: str, settings: Settings) -> Plan:
    """The plan that gives a pair its first roles."""
    return _plan(Operation.INIT, settings.peer_of(primary), primary, 1, settings)


def _plan(operation: Operation, old: str, new: str, epoch: int, settings: Settings) -> Plan:
    return make_plan(
        operation,
        old=old,
        new=new,
        epoch=epoch,
        limits=settings.switchover,
        agree_seconds=settings.dns.agree_timeout_seconds,
    )


def _is_primary_already(view: NodeView) -> SwitchoverError:
    return SwitchoverError(
        f"{view.name} is primary already, in epoch {view.epoch}",
        hint="failover status shows the pair",
        exit_status=ExitStatus.ALREADY_PRIMARY,
    )


def _why_no_primary(facts: PairFacts) -> FailoverError:
    silent = [view for view in facts.nodes.values() if view.facts is None]
    standbys = [view for view in facts.nodes.values() if view.role is Role.STANDBY]
    if silent and standbys:
        return UnreachableError(
            f"the primary {silent[0].name} does not answer: {silent[0].trouble}",
            hint="if it is dead: failover switchover --primary-dead",
        )
    if len(silent) == len(facts.nodes):
        return _nobody_answers(facts)
    return _no_role(facts)


def _why_no_candidate(request: Request, facts: PairFacts) -> FailoverError:
    for view in facts.nodes.values():
        if view.role is Role.PRIMARY and request.target in {None, view.name} and view is facts.primary:
            return _is_primary_already(view)
    if all(view.facts is None for view in facts.nodes.values()):
        return _nobody_answers(facts)
    if request.target is not None and facts.nodes[request.target].facts is None:
        return UnreachableError(f"{request.target} does not answer: {facts.nodes[request.target].trouble}")
    if all(view.role is Role.STANDBY for view in facts.nodes.values()):
        return UsageError("both nodes are standby", hint="name the one to promote: --to NODE")
    return _no_role(facts)


def _nobody_answers(facts: PairFacts) -> UnreachableError:
    troubles = "; ".join(f"{view.name}: {view.trouble}" for view in facts.nodes.values())
    return UnreachableError(
        f"no node answers: {troubles}", hint="check the network from here, and ssh to each node"
    )


def _no_role(facts: PairFacts) -> SwitchoverError:
    said = ", ".join(f"{view.name}: {view.role or 'no role'}" for view in facts.nodes.values())
    return SwitchoverError(
        f"it is not known which node is primary ({said})",
        hint="a new pair: failover init --primary NODE",
        exit_status=ExitStatus.ROLE_UNKNOWN,
    )
