from __future__ import annotations

from dataclasses import replace

import pytest

from failover.dns.register import Register
from failover.errors import ExitStatus, FailoverError
from failover.model.codes import Code
from failover.model.finding import Severity
from failover.model.role import NodeState
from failover.replication.model import ServerStatus, ThreadState, Verdict
from failover.switchover.facts import NodeView, PairFacts
from failover.switchover.operation import Request, plan_init, plan_switchover
from failover.switchover.plan import Operation
from failover.switchover.preflight import blockers, judge_pair, preflight
from failover.sync.status import MirrorState
from tests.fakes.pair import dns_view, healthy, mirror_status, node_view, pair_settings, silent, with_node

SETTINGS = pair_settings()
WELL = healthy(SETTINGS)
PLANNED, DEAD = Request(), Request(is_primary_dead=True)


def codes(facts: PairFacts, request: Request = PLANNED) -> set[Code]:
    plan = plan_switchover(request, facts, SETTINGS)
    return {found.code for found in preflight(plan, facts, SETTINGS) if found.severity > Severity.OK}


def with_database(name: str, **changes: object) -> PairFacts:
    view = WELL.nodes[name]
    assert view.database is not None
    return with_node(WELL, replace(view, database=replace(view.database, **changes)))  # type: ignore[arg-type]


def test_nothing_stands_in_the_way_of_a_healthy_pair() -> None:
    assert codes(WELL) == set()


def test_the_plan_moves_to_the_standby_in_the_next_epoch() -> None:
    plan = plan_switchover(PLANNED, WELL, SETTINGS)

    assert (plan.operation, plan.old, plan.new, plan.epoch) == (Operation.PLANNED, "web1", "web2", 4)


def test_the_roles_decide_the_direction_not_the_order_of_the_nodes() -> None:
    facts = replace(
        WELL,
        nodes={name: node_view(name, primary="web2") for name in WELL.nodes},
        dns=dns_view(SETTINGS, primary="web2"),
    )
    plan = plan_switchover(PLANNED, facts, SETTINGS)

    assert (plan.old, plan.new) == ("web2", "web1")


def test_a_switchover_to_the_primary_is_refused() -> None:
    with pytest.raises(FailoverError, match="web1 is primary already, in epoch 3") as caught:
        plan_switchover(Request(target="web1"), WELL, SETTINGS)

    assert caught.value.exit_status is ExitStatus.ALREADY_PRIMARY


def test_an_unknown_node_is_refused() -> None:
    with pytest.raises(FailoverError, match="no node 'web3'") as caught:
        plan_switchover(Request(target="web3"), WELL, SETTINGS)

    assert caught.value.exit_status is ExitStatus.UNKNOWN_NODE


def test_an_unreachable_standby_is_named() -> None:
    with pytest.raises(FailoverError, match="standby web2 does not answer: ssh: connect to host") as caught:
        plan_switchover(PLANNED, with_node(WELL, silent("web2")), SETTINGS)

    assert caught.value.exit_status is ExitStatus.NODE_UNREACHABLE


def test_an_unreachable_primary_points_to_the_takeover() -> None:
    with pytest.raises(FailoverError, match="primary web1 does not answer") as caught:
        plan_switchover(PLANNED, with_node(WELL, silent("web1")), SETTINGS)

    assert "--primary-dead" in str(caught.value.hint)


def test_nodes_without_a_role_are_refused_and_init_is_named() -> None:
    facts = WELL
    for view in WELL.nodes.values():
        assert view.facts is not None
        facts = with_node(facts, replace(view, facts=replace(view.facts, state=None)))
    with pytest.raises(FailoverError, match="not known which node is primary") as caught:
        plan_switchover(PLANNED, facts, SETTINGS)

    assert caught.value.exit_status is ExitStatus.ROLE_UNKNOWN
    assert "failover init" in str(caught.value.hint)


@pytest.mark.parametrize("request_", [PLANNED, DEAD])
def test_no_node_at_all_is_one_error_with_every_reason(request_: Request) -> None:
    facts = with_node(with_node(WELL, silent("web1")), silent("web2"))
    with pytest.raises(FailoverError, match=r"no node answers: web1: .*; web2: ") as caught:
        plan_switchover(request_, facts, SETTINGS)

    assert caught.value.exit_status is ExitStatus.NODE_UNREACHABLE


def test_of_two_primaries_the_higher_epoch_counts_and_both_are_shown() -> None:
    facts = with_node(WELL, node_view("web2", epoch=4, primary="web2"))

    assert facts.primary is not None
    assert facts.primary.name == "web2"
    assert Code.ROLES_DISAGREE in {found.code for found in judge_pair(facts, SETTINGS) if found.blocks}


def test_a_mirror_that_halted_blocks() -> None:
    view = WELL.nodes["web1"]
    assert view.facts is not None
    halted = replace(view.facts, mirrors=(mirror_status(MirrorState.HALTED),))

    assert codes(with_node(WELL, replace(view, facts=halted))) == {Code.MIRROR_HALTED}


def test_a_sync_daemon_that_does_not_answer_is_not_in_sync() -> None:
    view = WELL.nodes["web1"]
    assert view.facts is not None

    assert codes(with_node(WELL, replace(view, facts=replace(view.facts, mirrors=None)))) == {
        Code.MIRROR_DOWN
    }


def test_a_database_nobody_could_ask_is_unknown_and_blocks() -> None:
    facts = with_node(WELL, replace(WELL.nodes["web2"], database=None))
    plan = plan_switchover(PLANNED, facts, SETTINGS)
    found = blockers(preflight(plan, facts, SETTINGS), ())

    assert {finding.severity for finding in found} >= {Severity.UNKNOWN}


def test_a_register_of_another_epoch_blocks() -> None:
    facts = replace(WELL, dns=dns_view(SETTINGS, epoch=9, primary="web2"))

    assert Code.REGISTER_DISAGREES in codes(facts)


def test_every_blocker_is_told_at_once_and_each_can_be_accepted_by_name() -> None:
    view = WELL.nodes["web1"]
    assert view.facts is not None
    facts = with_node(WELL, replace(view, facts=replace(view.facts, mirrors=None)))
    facts = replace(facts, dns=dns_view(SETTINGS, epoch=9, primary="web2"))
    findings = judge_pair(facts, SETTINGS)
    found = {finding.code for finding in blockers(findings, ())}

    assert {Code.MIRROR_DOWN, Code.REGISTER_DISAGREES} <= found
    assert blockers(findings, found) == ()


def test_a_living_primary_vetoes_its_own_death() -> None:
    assert codes(WELL, DEAD) == {Code.PRIMARY_ANSWERS}


def test_a_silent_primary_does_not() -> None:
    facts = with_node(WELL, silent("web1"))
    plan = plan_switchover(DEAD, facts, SETTINGS)

    assert codes(facts, DEAD) == set()
    assert (plan.operation, plan.old, plan.new, plan.epoch) == (Operation.PRIMARY_DEAD, "web1", "web2", 4)


def test_a_primary_that_only_the_standby_can_reach_is_alive() -> None:
    seeing = replace(WELL.nodes["web2"], reaches_at_peer=("database",))
    facts = with_node(with_node(WELL, silent("web1")), seeing)
    plan = plan_switchover(DEAD, facts, SETTINGS)
    (found,) = blockers(preflight(plan, facts, SETTINGS), ())

    assert found.code is Code.PRIMARY_ANSWERS
    assert found.summary == "web1 is alive: web2 reaches its database"


def test_a_takeover_goes_beyond_the_highest_epoch_anybody_knows() -> None:
    facts = replace(with_node(WELL, silent("web1")), dns=dns_view(SETTINGS, epoch=7))

    assert plan_switchover(DEAD, facts, SETTINGS).epoch == 8
    assert Code.REGISTER_DISAGREES in codes(facts, DEAD)


def test_a_takeover_of_the_primary_by_itself_is_refused() -> None:
    facts = with_node(WELL, silent("web2"))
    with pytest.raises(FailoverError, match="web1 is primary already") as caught:
        plan_switchover(DEAD, facts, SETTINGS)

    assert caught.value.exit_status is ExitStatus.ALREADY_PRIMARY


def test_the_lag_of_a_standby_whose_primary_died_does_not_block() -> None:
    database = WELL.nodes["web2"].database
    assert database is not None
    assert database.replica is not None
    replica = replace(database.replica, io_running=ThreadState.CONNECTING, seconds_behind=None)
    facts = with_node(with_database("web2", replica=replica), silent("web1"))

    assert codes(facts, DEAD) == set()


def test_a_standby_that_stopped_applying_blocks_a_takeover_with_its_errno() -> None:
    database = WELL.nodes["web2"].database
    assert database is not None
    assert database.replica is not None
    replica = replace(
        database.replica, sql_running=ThreadState.NO, sql_errno=1062, sql_error="Duplicate entry"
    )
    facts = with_node(with_database("web2", replica=replica), silent("web1"))
    plan = plan_switchover(DEAD, facts, SETTINGS)
    (found,) = blockers(preflight(plan, facts, SETTINGS), ())

    assert found.code is Code.REPLICATION_SQL_STOPPED
    assert "1062" in found.summary


@pytest.mark.parametrize("database", [None, ServerStatus(Verdict.FROZEN, "no answer within 2 s")])
def test_a_standby_whose_database_does_not_answer_cannot_take_over(database: ServerStatus | None) -> None:
    facts = with_node(with_node(WELL, silent("web1")), replace(WELL.nodes["web2"], database=database))

    assert codes(facts, DEAD) == {Code.DATABASE_UNREACHABLE}


def roleless(view: NodeView) -> NodeView:
    assert view.facts is not None
    return replace(view, facts=replace(view.facts, state=None))


def new_pair() -> PairFacts:
    facts = with_database("web1", is_read_only=True)
    for name in facts.nodes:
        facts = with_node(facts, roleless(facts.nodes[name]))
    return facts


def test_a_new_pair_whose_primary_was_born_read_only_can_begin() -> None:
    plan = plan_init("web1", SETTINGS)

    assert blockers(preflight(plan, new_pair(), SETTINGS), ()) == ()


def test_init_can_be_run_again_and_never_changes_roles() -> None:
    again = with_node(new_pair(), node_view("web1", epoch=1, primary="web1"))
    plan = plan_init("web1", SETTINGS)

    assert blockers(preflight(plan, again, SETTINGS), ()) == ()
    assert [found.code for found in blockers(preflight(plan, WELL, SETTINGS), ())] == [
        Code.ROLES_DISAGREE
    ] * 2


def test_a_replica_cannot_be_made_the_first_primary() -> None:
    found = blockers(preflight(plan_init("web2", SETTINGS), new_pair(), SETTINGS), ())

    assert [finding.code for finding in found] == [Code.PRIMARY_REPLICATES]


def test_a_pair_without_replication_cannot_begin() -> None:
    facts = new_pair()
    database = facts.nodes["web2"].database
    assert database is not None
    facts = with_node(
        facts, replace(facts.nodes["web2"], database=replace(database, is_replica=False, replica=None))
    )

    assert Code.REPLICATION_NOT_CONFIGURED in {
        found.code for found in blockers(preflight(plan_init("web1", SETTINGS), facts, SETTINGS), ())
    }


def test_the_highest_epoch_is_the_register_s_when_nodes_know_less() -> None:
    assert replace(WELL, dns=replace(WELL.dns, register=Register(12, "web1"))).highest_epoch == 12


def test_a_node_in_an_older_epoch_is_told() -> None:
    view = WELL.nodes["web2"]
    assert view.facts is not None
    facts = with_node(WELL, replace(view, facts=replace(view.facts, state=NodeState("web2", 2, "web1"))))

    assert Code.EPOCH_DISAGREES in codes(facts)
