from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.config.settings import SwitchoverSettings
from failover.switchover.plan import Operation, Plan, StepName, make_plan, plan_from
from failover.switchover.steps import STEPS

names = st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True)


def plan(
    operation: Operation = Operation.PLANNED, old: str = "web1", new: str = "web2", epoch: int = 2
) -> Plan:
    return make_plan(operation, old=old, new=new, epoch=epoch, limits=SwitchoverSettings(), agree_seconds=30)


plans = st.builds(plan, st.sampled_from(Operation), names, names, st.integers(1, 10**6))


@given(plans)
def test_a_plan_survives_the_journal_with_its_checksum(made: Plan) -> None:
    back = plan_from(json.loads(json.dumps(made.to_json())))

    assert back == made
    assert back.checksum == made.checksum


@given(plans)
def test_no_step_after_the_point_of_no_return_is_one_before_it(made: Plan) -> None:
    after = [step.is_after_return for step in made.steps]

    assert after == sorted(after)
    assert any(after)


@given(plans)
def test_every_step_has_an_act_and_says_its_undo_if_it_has_one(made: Plan) -> None:
    for step in made.steps:
        assert (STEPS[step.name].undo is not None) == (step.undo is not None)
        assert step.limit_seconds > 0


@given(plans, plans)
def test_two_plans_share_a_checksum_only_if_they_are_the_same(one: Plan, other: Plan) -> None:
    assert (one.checksum == other.checksum) == (one == other)


@pytest.mark.parametrize("operation", [Operation.PLANNED, Operation.PRIMARY_DEAD])
def test_writes_are_blocked_before_the_new_primary_opens_and_dns_moves_last(operation: Operation) -> None:
    order = [step.name for step in plan(operation).steps]
    block = StepName.FREEZE_DATABASE if operation is Operation.PLANNED else StepName.FENCE_OLD_PRIMARY

    assert order.index(block) < order.index(StepName.TAKE_EPOCH) < order.index(StepName.PROMOTE_DATABASE)
    assert (
        order.index(StepName.PROMOTE_DATABASE)
        < order.index(StepName.START_SITE)
        < order.index(StepName.MOVE_DNS)
    )


def test_a_planned_switchover_proves_that_nothing_is_missing_before_its_point_of_no_return() -> None:
    before = [step.name for step in plan().steps if not step.is_after_return]

    assert before[-2:] == [StepName.DRAIN_MIRROR, StepName.WAIT_APPLIED]


def test_a_dead_primary_s_loss_is_recorded_before_the_new_one_writes() -> None:
    order = [step.name for step in plan(Operation.PRIMARY_DEAD).steps]

    assert order.index(StepName.DRAIN_RELAY_LOG) < order.index(StepName.RECORD_LOSS)
    assert order.index(StepName.RECORD_LOSS) < order.index(StepName.PROMOTE_DATABASE)
