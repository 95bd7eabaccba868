from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.config.settings import Settings, SwitchoverSettings
from failover.errors import FailoverError, UnreachableError
from failover.switchover.execute import Event, Execution, JournalWriter, Outcome, Report
from failover.switchover.journal import Kind, entry_from, progress_of
from failover.switchover.node import NodeOrders
from failover.switchover.plan import Operation, Plan, StepName, make_plan
from failover.switchover.step import Context, Step, StepResult
from tests.fakes.clock import FakeClock


class JournalNode:
    """A node of which only the journal is used. It may die at a given line."""

    def __init__(self, dies_at_line: int | None = None) -> None:
        self.lines: list[dict[str, Any]] = []
        self.dies_at_line = dies_at_line

    def append_journal(self, *, operation: str, line: dict[str, Any]) -> None:
        if self.dies_at_line is not None and len(self.lines) >= self.dies_at_line:
            raise UnreachableError("web2: gone")
        self.lines.append(line)


class World:
    """Steps that note what they do, and fail where told."""

    def __init__(self, failing: set[str] = frozenset(), failing_undo: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        self.clock = FakeClock()
        self.acts: list[str] = []
        self.failing, self.failing_undo = set(failing), set(failing_undo)
        self.events: list[Event] = []
        self.old, self.new = JournalNode(), JournalNode()
        self.plan = planned()

    def steps(self) -> dict[StepName, Step]:
        return {
            step.name: Step(self.act(step.name), self.undo(step.name) if step.undo else None)
            for step in self.plan.steps
        }

    def act(self, name: StepName) -> Callable[[Context, float], StepResult]:
        def act(_context: Context, _limit: float) -> StepResult:
            self.acts.append(name)
            self.clock.advance(1)
            if name in self.failing:
                raise FailoverError(f"{name} failed")
            return {"by": name}

        return act

    def undo(self, name: StepName) -> Callable[[Context], None]:
        def undo(_context: Context) -> None:
            self.acts.append(f"undo {name}")
            if name in self.failing_undo:
                raise FailoverError(f"undo of {name} failed")

        return undo

    def execution(self, *, resumes: bool = False) -> Execution:
        nodes = cast("dict[str, NodeOrders]", {"web1": self.old, "web2": self.new})
        context = Context(self.plan, cast("Settings", None), nodes, cast("Any", None), self.clock)
        journal = JournalWriter("op", context)
        progress = progress_of(map(entry_from, self.new.lines)) if resumes else None
        return Execution(context, journal, self.events.append, self.steps(), progress)

    def run(self, *, resumes: bool = False) -> Report:
        return self.execution(resumes=resumes).run()


def planned() -> Plan:
    return make_plan(
        Operation.PLANNED, old="web1", new="web2", epoch=2, limits=SwitchoverSettings(), agree_seconds=30
    )


ALL = [step.name for step in planned().steps]
BEFORE = [step.name for step in planned().steps if not step.is_after_return]
HARD_AFTER = [StepName.TAKE_EPOCH, StepName.PROMOTE_DATABASE, StepName.START_SITE]


def test_every_step_acts_once_in_order_and_both_nodes_have_the_whole_journal() -> None:
    world = World()
    report = world.run()

    assert world.acts == ALL
    assert report.outcome is Outcome.DONE
    assert world.old.lines == world.new.lines
    assert [line["kind"] for line in world.new.lines] == ["started", "done"] * len(ALL) + ["finished"]


def test_intent_is_in_the_journal_before_the_act() -> None:
    world = World()
    seen: list[int] = []
    steps = world.steps()

    def look(_context: Context, _limit: float) -> StepResult:
        seen.append(len(world.new.lines))
        return {}

    steps[ALL[0]] = Step(look)
    execution = world.execution()
    execution._steps = steps
    execution.run()

    assert seen == [1]


@pytest.mark.parametrize("failing", BEFORE)
def test_a_failure_before_the_point_of_no_return_undoes_what_was_begun_last_first(failing: StepName) -> None:
    world = World(failing={failing})
    report = world.run()

    begun = ALL[: ALL.index(failing) + 1]
    undone = [f"undo {step.name}" for step in reversed(world.plan.steps) if step.undo and step.name in begun]
    assert report.outcome is Outcome.UNDONE
    assert world.acts == [*begun, *undone]
    assert report.errors[failing].message == f"{failing} failed"


def test_an_undo_that_fails_does_not_keep_the_others_from_it() -> None:
    world = World(failing={StepName.WAIT_APPLIED}, failing_undo={StepName.DRAIN_MIRROR})
    report = world.run()

    assert world.acts[-2:] == ["undo freeze-database", "undo hold-site"]
    assert report.outcome is Outcome.PARTIAL


@pytest.mark.parametrize("failing", HARD_AFTER)
def test_a_failure_after_the_point_of_no_return_stops_and_undoes_nothing(failing: StepName) -> None:
    world = World(failing={failing})
    report = world.run()

    assert report.outcome is Outcome.PARTIAL
    assert world.acts == ALL[: ALL.index(failing) + 1]


@pytest.mark.parametrize("failing", [StepName.MOVE_DNS, StepName.VERIFY_DNS])
def test_dns_that_does_not_follow_does_not_keep_the_old_primary_from_becoming_standby(
    failing: StepName,
) -> None:
    world = World(failing={failing})
    report = world.run()

    assert report.outcome is Outcome.DNS_PENDING
    assert world.acts == ALL


def test_resuming_does_only_what_is_not_done() -> None:
    world = World(failing={StepName.PROMOTE_DATABASE})
    world.run()
    world.failing.clear()
    world.acts.clear()
    report = world.run(resumes=True)

    assert world.acts == ALL[ALL.index(StepName.PROMOTE_DATABASE) :]
    assert report.outcome is Outcome.DONE
    assert report.results[StepName.FREEZE_DATABASE] == {"by": "freeze-database"}


def test_a_node_that_dies_before_the_point_of_no_return_undoes_the_operation() -> None:
    world = World()
    world.new.dies_at_line = 4
    report = world.run()

    assert report.outcome is Outcome.UNDONE
    assert world.acts[-1] == "undo hold-site"


def test_a_node_that_dies_after_it_is_left_behind() -> None:
    world = World()
    world.old.dies_at_line = 2 * len(BEFORE) + 1
    report = world.run()

    assert report.outcome is Outcome.DONE
    assert world.new.lines[-1]["data"] == {"outcome": "done"}


def test_ctrl_c_before_the_point_of_no_return_undoes() -> None:
    world = World()
    steps = world.steps()

    def interrupted(_context: Context, _limit: float) -> StepResult:
        raise KeyboardInterrupt

    steps[StepName.WAIT_APPLIED] = Step(interrupted)
    execution = world.execution()
    execution._steps = steps
    report = execution.run()

    assert report.outcome is Outcome.UNDONE
    assert world.acts[-3:] == ["undo drain-mirror", "undo freeze-database", "undo hold-site"]


def test_ctrl_c_between_an_act_and_its_report_undoes_as_well() -> None:
    world = World()
    execution = world.execution()

    def watch(event: Event) -> None:
        if event.step is StepName.FREEZE_DATABASE and event.state is Kind.DONE:
            raise KeyboardInterrupt

    execution._watch = watch
    report = execution.run()

    assert report.outcome is Outcome.UNDONE
    assert world.acts[-2:] == ["undo freeze-database", "undo hold-site"]


def test_the_write_block_lasts_from_holding_the_site_to_starting_it() -> None:
    report = World().run()

    steps_between = ALL.index(StepName.START_SITE) - ALL.index(StepName.HOLD_SITE) + 1
    assert report.write_block_seconds == steps_between


@given(st.sets(st.sampled_from(ALL)), st.sets(st.sampled_from(ALL)))
def test_whatever_fails_the_journal_alone_tells_what_may_still_have_to_be_undone(
    failing: set[StepName], failing_undo: set[StepName]
) -> None:
    world = World(failing=set(failing), failing_undo=set(failing_undo))
    report = world.run()
    progress = progress_of(map(entry_from, world.new.lines))

    assert progress.outcome == report.outcome.value
    if report.outcome is Outcome.UNDONE:
        assert not [name for name in progress.touched if world.steps()[StepName(name)].undo]
    if report.outcome is Outcome.DONE:
        assert set(progress.results) == set(ALL)
    assert Kind.STARTED in {event.state for event in world.events}
