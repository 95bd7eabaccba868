from __future__ import annotations

from collections.abc import Sequence

import pytest

from failover.errors import LabError
from failover.lab.demo.crowd import Crowd
from failover.lab.demo.ledger import Entry, Kind, Outcome
from tests.unit.lab.demo.actors import FakeVisitor

ENTRY = Entry("v1", Kind.COMMENT, "comment-v1-1", Outcome.ACKNOWLEDGED, 1.0, 2.0, "web1")


def crowd_of(*processes: FakeVisitor) -> tuple[Crowd, list[Entry]]:
    entries: list[Entry] = []
    waiting = list(processes)
    argvs = [("visit", str(number)) for number in range(len(processes))]
    return Crowd(lambda _argv: waiting.pop(0), argvs, entries.append), entries


def test_every_entry_of_every_visitor_is_heard_also_what_is_written_last() -> None:
    one, two = FakeVisitor(), FakeVisitor()
    crowd, entries = crowd_of(one, two)

    with crowd:
        one.say(ENTRY.to_line())
        two.say("Traceback: not an entry")
        two.say(ENTRY.to_line())

    assert entries == [ENTRY, ENTRY]
    assert (one.status, two.status) == (0, 0)
    assert not one.was_killed


def test_a_visitor_that_does_not_leave_is_killed() -> None:
    process = FakeVisitor(is_obedient=False)
    crowd, _ = crowd_of(process)

    with crowd:
        pass

    assert process.was_told
    assert process.was_killed


def test_a_visitor_that_left_early_is_an_error_with_its_last_words() -> None:
    process = FakeVisitor()
    crowd, _ = crowd_of(process)
    with crowd:
        crowd.check()
        process.say("ModuleNotFoundError: no module named dns")
        process.end(1)
        crowd._readers[0].join(2.0)

        with pytest.raises(LabError, match="status 1: ModuleNotFoundError: no module named dns"):
            crowd.check()


def test_leaving_twice_is_leaving_once_and_is_no_error() -> None:
    crowd, _ = crowd_of(FakeVisitor())
    with crowd:
        crowd.leave()
        crowd.check()


def test_when_one_cannot_start_the_others_are_sent_home() -> None:
    process = FakeVisitor()
    started: list[FakeVisitor] = [process]

    def start(_argv: Sequence[str]) -> FakeVisitor:
        if not started:
            raise LabError("no such host")
        return started.pop()

    with pytest.raises(LabError, match="no such host"), Crowd(start, [("a",), ("b",)], lambda _: None):
        pass

    assert process.status == 0
