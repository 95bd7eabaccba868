"""The steps by name, in terms of what nodes and DNS can do. Each is thin: the deciding was done in the plan."""

from __future__ import annotations

from failover.errors import FailoverError, UnreachableError
from failover.model.role import NodeState
from failover.switchover.loss import record_loss
from failover.switchover.plan import StepName
from failover.switchover.step import Context, Step, StepResult


def _pre_sync(context: Context, limit_seconds: float) -> StepResult:
    context.old.drain_mirrors(timeout_seconds=limit_seconds)
    return {}


def _hold_site(context: Context, limit_seconds: float) -> StepResult:
    hooks = context.old.run_hooks(
        phase="leave-primary", epoch=context.plan.epoch, timeout_seconds=limit_seconds
    )
    return {"hooks": list(hooks)}


def _release_site(context: Context) -> None:
    limit = context.settings.switchover.hook_timeout_seconds
    context.old.run_hooks(phase="enter-primary", epoch=context.plan.epoch - 1, timeout_seconds=limit)


def _freeze_database(context: Context, limit_seconds: float) -> StepResult:
    proof = context.old.freeze_database(timeout_seconds=limit_seconds)
    return {
        "position": proof.position,
        "sessions_ended": proof.sessions_ended,
        "had_events": proof.was_event_scheduler_on,
    }


def _thaw_database(context: Context) -> None:
    context.old.thaw_database(with_events=_had_events(context))


def _had_events(context: Context) -> bool:
    """Whether the old primary ran scheduled events; a primary that died cannot be asked any more, so no."""
    return bool(context.result(StepName.FREEZE_DATABASE).get("had_events", False))


def _drain_mirror(context: Context, limit_seconds: float) -> StepResult:
    checkpoints = context.old.drain_mirrors(timeout_seconds=limit_seconds)
    context.old.stop_mirrors()
    return {
        "checkpoints": {checkpoint.mirror: checkpoint.source_time.isoformat() for checkpoint in checkpoints}
    }


def _release_mirror(context: Context) -> None:
    context.old.refresh_mirrors()


def _wait_applied(context: Context, limit_seconds: float) -> StepResult:
    position = context.result(StepName.FREEZE_DATABASE)["position"]
    context.new.wait_applied(position=position, timeout_seconds=limit_seconds)
    return {"position": position}


def _fence_old_primary(context: Context, limit_seconds: float) -> StepResult:
    """Take from the old primary whatever can still be taken; what cannot is said, not assumed."""
    try:
        old = context.old
    except UnreachableError as error:
        return {"fenced": [], "not_fenced": [error.message]}
    fenced, not_fenced = [], []
    for what, act in (
        (
            "site",
            lambda: old.run_hooks(
                phase="leave-primary", epoch=context.plan.epoch, timeout_seconds=limit_seconds
            ),
        ),
        ("database", lambda: old.freeze_database(timeout_seconds=limit_seconds)),
        ("mirror", old.stop_mirrors),
    ):
        try:
            act()
            fenced.append(what)
        except FailoverError as error:
            not_fenced.append(f"{what}: {error.message}")
    return {"fenced": fenced, "not_fenced": not_fenced}


def _drain_relay_log(context: Context, limit_seconds: float) -> StepResult:
    return {"position": context.new.drain_relay_log(timeout_seconds=limit_seconds)}


def _record_loss(context: Context, _limit_seconds: float) -> StepResult:
    position = context.result(StepName.DRAIN_RELAY_LOG)["position"]
    now = context.clock.now().isoformat()
    report = record_loss(context.new, context.settings, old=context.plan.old, position=position, at=now)
    return {"report": report.to_json()}


def _take_epoch(context: Context, _limit_seconds: float) -> StepResult:
    """Role and epoch on the new primary first: if it does not take them, nothing has changed on the old one."""
    plan = context.plan
    context.new.write_state(state=NodeState(plan.new, plan.epoch, plan.new))
    if plan.old in context.nodes:
        try:
            context.old.write_state(state=NodeState(plan.old, plan.epoch, plan.new))
        except UnreachableError as error:
            # It died meanwhile. It stays fenced by its epoch: both the register and its peer have a higher one.
            return {"not_told": error.message}
    return {}


def _promote_database(context: Context, limit_seconds: float) -> StepResult:
    position = context.new.promote_database(with_events=_had_events(context), timeout_seconds=limit_seconds)
    return {"position": position}


def _start_site(context: Context, limit_seconds: float) -> StepResult:
    hooks = context.new.run_hooks(
        phase="enter-primary", epoch=context.plan.epoch, timeout_seconds=limit_seconds
    )
    return {"hooks": list(hooks)}


def _move_dns(context: Context, _limit_seconds: float) -> StepResult:
    plan = context.plan
    return context.names.move(old=plan.old, new=plan.new, epoch=plan.epoch)


def _verify_dns(context: Context, limit_seconds: float) -> StepResult:
    plan = context.plan
    return context.names.verify(new=plan.new, epoch=plan.epoch, timeout_seconds=limit_seconds)


def _attach_old_primary(context: Context, limit_seconds: float) -> StepResult:
    context.old.attach_database(source=context.plan.new, timeout_seconds=limit_seconds)
    return {}


def _reverse_mirror(context: Context, limit_seconds: float) -> StepResult:
    hooks = context.old.run_hooks(
        phase="enter-standby", epoch=context.plan.epoch, timeout_seconds=limit_seconds
    )
    context.new.refresh_mirrors()
    return {"hooks": list(hooks)}


def _create_register(context: Context, _limit_seconds: float) -> StepResult:
    return context.names.create(new=context.plan.new, epoch=context.plan.epoch)


STEPS: dict[StepName, Step] = {
    StepName.PRE_SYNC: Step(_pre_sync),
    StepName.HOLD_SITE: Step(_hold_site, _release_site),
    StepName.FREEZE_DATABASE: Step(_freeze_database, _thaw_database),
    StepName.DRAIN_MIRROR: Step(_drain_mirror, _release_mirror),
    StepName.WAIT_APPLIED: Step(_wait_applied),
    StepName.FENCE_OLD_PRIMARY: Step(_fence_old_primary),
    StepName.DRAIN_RELAY_LOG: Step(_drain_relay_log),
    StepName.RECORD_LOSS: Step(_record_loss),
    StepName.TAKE_EPOCH: Step(_take_epoch),
    StepName.PROMOTE_DATABASE: Step(_promote_database),
    StepName.START_SITE: Step(_start_site),
    StepName.MOVE_DNS: Step(_move_dns),
    StepName.VERIFY_DNS: Step(_verify_dns),
    StepName.ATTACH_OLD_PRIMARY: Step(_attach_old_primary),
    StepName.REVERSE_MIRROR: Step(_reverse_mirror),
    StepName.CREATE_REGISTER: Step(_create_register),
}
