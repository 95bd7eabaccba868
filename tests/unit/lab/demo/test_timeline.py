from __future__ import annotations

from typing import Any

import pytest

from failover.lab.demo.timeline import DATABASE_WRITABLE, DNS_AGREED, CommandRun, StepEvent, timeline


def run_of(*events: tuple[float, dict[str, Any]], status: int = 0) -> CommandRun:
    return CommandRun(
        ("failover", "switchover", "--yes"),
        began_at=100.0,
        ended_at=110.0,
        status=status,
        events=tuple(StepEvent(at, data) for at, data in events),
    )


def step(name: str, state: str, **more: Any) -> dict[str, Any]:
    return {"event": "step", "step": name, "state": state, **more}


def test_times_count_from_the_command_to_the_end_of_the_step() -> None:
    run = run_of(
        (100.5, step(DATABASE_WRITABLE, "started")),
        (100.8, step(DATABASE_WRITABLE, "done", seconds=0.3)),
        (103.0, step(DNS_AGREED, "failed")),
    )

    assert run.seconds_to(DATABASE_WRITABLE) == pytest.approx(0.8)
    assert run.seconds_to(DNS_AGREED) is None


def test_the_reported_write_block_is_taken_when_it_is_a_number() -> None:
    assert (
        run_of((1, {"event": "finished", "outcome": "done", "write_block_seconds": 1})).write_block_seconds
        == 1
    )
    assert run_of((1, {"event": "finished", "write_block_seconds": None})).write_block_seconds is None
    assert run_of().write_block_seconds is None


@pytest.mark.parametrize(
    ("outcome", "status", "is_done"),
    [("done", 0, True), ("done", 1, False), ("undone", 0, False), ("dns-pending", 5, False)],
)
def test_done_needs_the_last_line_and_the_exit_status(outcome: str, status: int, is_done: bool) -> None:
    assert run_of((1, {"event": "finished", "outcome": outcome}), status=status).is_done is is_done


def test_a_command_without_a_last_line_is_not_done() -> None:
    assert not run_of().is_done
    assert run_of().outcome is None


def test_the_timeline_is_in_order_and_leaves_out_what_never_came() -> None:
    run = run_of(
        (100.2, step("move-dns", "started")),
        (100.4, step("move-dns", "done", seconds=0.2)),
        (101.0, {"event": "finished", "outcome": "done"}),
    )

    moments = timeline(
        run, others=[(99.5, "power cut", "web2"), (None, "never", "x"), (100.7, "first visit", "v1")]
    )

    assert [(round(moment.seconds, 3), moment.what) for moment in moments] == [
        (-0.5, "power cut"),
        (0.0, "$ failover switchover --yes"),
        (0.4, "move-dns: done (0.20 s)"),
        (0.7, "first visit"),
        (1.0, "finished: done"),
    ]


def test_what_only_begins_is_not_worth_telling() -> None:
    worth = [
        StepEvent(1.0, data).is_worth_telling
        for data in (
            {"event": "plan"},
            step("a", "started"),
            step("a", "done"),
            step("a", "undone"),
            {"event": "finished"},
        )
    ]

    assert worth == [False, False, True, True, True]


def test_a_failed_step_says_why() -> None:
    event = StepEvent(
        1.0, step("freeze-database", "failed", error={"message": "it still writes", "hint": "x"})
    )

    assert event.sentence() == "freeze-database: failed: it still writes"
