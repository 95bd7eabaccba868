from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from failover.lab.demo.ledger import AdmittedLoss, Entry, Holdings, Judgement, Kind, Outcome, judge
from failover.lab.demo.report import render
from failover.lab.demo.timeline import CommandRun, StepEvent, timeline
from failover.lab.demo.verdict import Check, DeadAct, DemoResult, PlannedAct


def entry(token: str, kind: Kind = Kind.COMMENT) -> Entry:
    return Entry("v1", kind, token, Outcome.ACKNOWLEDGED, 1.0, 1.1, "web2")


def judgement(*, there: Iterable[str], listed: Iterable[str] = ()) -> tuple[Judgement, AdmittedLoss]:
    ledger = [entry("c1"), entry("c2"), entry("u1", Kind.UPLOAD)]
    held, words = frozenset(there), tuple(listed)
    admitted = AdmittedLoss(words, frozenset(f"www:site/{word}" for word in words), is_complete=True)
    return judge(ledger, Holdings(held, held), admitted), admitted


def run_of(outcome: str = "done", status: int = 0, **finished: Any) -> CommandRun:
    events = (
        StepEvent(100.5, {"event": "step", "step": "promote-database", "state": "done", "seconds": 0.1}),
        StepEvent(101.0, {"event": "step", "step": "verify-dns", "state": "done", "seconds": 0.2}),
        StepEvent(101.1, {"event": "finished", "outcome": outcome, **finished}),
    )
    return CommandRun(("failover", "switchover"), 100.0, 101.2, status, events, "it said this")


PLANNED = PlannedAct(
    run=run_of(write_block_seconds=0.4),
    judgement=judgement(there=["c1", "c2", "u1"])[0],
    visitors_gap_seconds=1.5,
    moments=timeline(run_of()),
)
DEAD = DeadAct(
    run=run_of(),
    first_visit_seconds=1.8,
    fencing=(Check("web2 came back read-only", is_true=True, seen="read_only=1"),),
    admitted=judgement(there=["c1"], listed=["c2", "u1"])[1],
    judgement=judgement(there=["c1"], listed=["c2", "u1"])[0],
    moments=timeline(run_of()),
)
GOOD = DemoResult(PLANNED, DEAD, seconds=33.0)


def test_a_story_in_which_all_held_says_so_with_every_number() -> None:
    assert GOOD.is_held
    assert GOOD.to_json() == {
        "held": True,
        "seconds": 33.0,
        "planned": {
            "write_block_seconds": 0.4,
            "visitors_gap_seconds": 1.5,
            "acknowledged_writes": 3,
            "lost_writes": 0,
        },
        "dead": {
            "database_writable_seconds": 0.5,
            "dns_agreed_seconds": 1.0,
            "first_visit_seconds": 1.8,
            "acknowledged_writes": 3,
            "lost_writes": 1,
            "lost_writes_reported": 1,
            "lost_files": 1,
            "lost_files_reported": 1,
            "false_alarms": 0,
        },
        "broken": [],
        "error": None,
    }


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (replace(GOOD, planned=replace(PLANNED, judgement=judgement(there=["c1", "u1"])[0])), "1 of 3 lost"),
        (
            replace(GOOD, planned=replace(PLANNED, judgement=judge([], Holdings(frozenset(), frozenset())))),
            "0 of 0",
        ),
        (replace(GOOD, planned=replace(PLANNED, visitors_gap_seconds=None)), "never"),
        (
            replace(GOOD, planned=replace(PLANNED, run=run_of("dns-pending", 5))),
            "dns-pending, exit status 5: it said",
        ),
        (replace(GOOD, dead=replace(DEAD, run=run_of("partial", 4))), "partial, exit status 4"),
        (replace(GOOD, dead=replace(DEAD, first_visit_seconds=None)), "never"),
        (replace(GOOD, dead=replace(DEAD, run=replace(run_of(), events=run_of().events[1:]))), "never"),
        (
            replace(
                GOOD, dead=replace(DEAD, fencing=(Check("it is fenced", is_true=False, seen="HTTP 200"),))
            ),
            "HTTP 200",
        ),
        (replace(GOOD, dead=replace(DEAD, admitted=AdmittedLoss())), "0 transactions, 0 files"),
        (
            replace(GOOD, dead=replace(DEAD, judgement=judgement(there=["c1"], listed=["u1"])[0])),
            "3 acknowledged, 2 lost, 1 of them not listed",
        ),
    ],
)
def test_whatever_does_not_hold_is_named_and_the_whole_does_not(result: DemoResult, why: str) -> None:
    data = result.to_json()

    assert not result.is_held
    assert data["held"] is False
    assert len(data["broken"]) == 1
    assert why in data["broken"][0]


@pytest.mark.parametrize(
    "result",
    [replace(GOOD, error="it stopped"), replace(GOOD, dead=None), DemoResult(None, None, 1.0, "no lab")],
)
def test_a_story_cut_short_never_held_and_its_json_has_every_key(result: DemoResult) -> None:
    data, whole = result.to_json(), GOOD.to_json()

    assert data["held"] is False
    assert data.keys() == whole.keys()
    assert data["planned"].keys() == whole["planned"].keys()
    assert data["dead"].keys() == whole["dead"].keys()


def test_the_write_block_is_the_switchovers_own_or_else_the_visitors_gap() -> None:
    assert PLANNED.write_block_seconds == 0.4
    assert replace(PLANNED, run=run_of()).write_block_seconds == 1.5


def shown(result: DemoResult) -> str:
    stream = io.StringIO()
    Console(width=120, file=stream).print(render(result))
    return stream.getvalue()


def test_the_report_shows_the_times_the_losses_and_the_verdict() -> None:
    text = shown(GOOD)

    for words in ("+0.50", "promote-database: done", "1.80 s", "c2", "u1", "listed", "All of it held"):
        assert words in text
    assert "NOT LISTED" not in text


def test_the_report_puts_what_is_not_listed_first_and_says_what_broke() -> None:
    broken = judgement(there=["c1"], listed=["c2"])
    text = shown(
        replace(GOOD, dead=replace(DEAD, judgement=broken[0], admitted=broken[1]), error="it stopped")
    )

    assert text.index("u1") < text.index("c2")
    for words in ("NOT LISTED", "1 of them not listed", "the story stopped: it stopped", "It did not hold"):
        assert words in text


def test_the_report_of_a_story_that_never_began_still_says_why() -> None:
    assert "the story stopped: no lab" in shown(DemoResult(None, None, 1.0, "no lab"))
