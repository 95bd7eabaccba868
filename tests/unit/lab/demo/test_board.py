from __future__ import annotations

from failover.lab.demo.board import Board, Note
from failover.lab.demo.ledger import Entry, Kind, Outcome
from failover.lab.demo.pair_status import pair_status_from
from tests.fakes.clock import FakeClock


def test_a_scene_counts_what_was_acknowledged_and_the_rates_of_the_last_second() -> None:
    clock = FakeClock()
    board = Board(clock.monotonic)
    for at, kind, outcome in (
        (0.1, Kind.COMMENT, Outcome.ACKNOWLEDGED),
        (4.5, Kind.UPLOAD, Outcome.ACKNOWLEDGED),
        (4.6, Kind.UPLOAD, Outcome.UNKNOWN),
    ):
        board.enter(Entry("v1", kind, f"t{at}", outcome, at, at, "web1"))
    clock.advance(5.0)

    scene = board.scene()

    assert scene.acknowledged == {Kind.PAGE: 0, Kind.COMMENT: 1, Kind.UPLOAD: 1}
    assert scene.rates == {"": 1.0, "web1": 1.0}
    assert len(board.entries()) == 3


def test_notes_are_told_at_once_and_carry_the_seconds_since_the_beginning() -> None:
    clock, told = FakeClock(), list[Note]()
    clock.advance(100.0)
    board = Board(clock.monotonic)
    board.on_note(told.append)
    clock.advance(2.0)
    board.begin_act("visitors come in")

    assert told == [Note(2.0, "visitors come in")]
    assert board.scene().act == "visitors come in"
    assert board.scene().notes == (Note(2.0, "visitors come in"),)


def test_an_old_status_is_not_news() -> None:
    clock = FakeClock()
    board = Board(clock.monotonic)
    clock.advance(1.0)
    board.see(pair_status_from({}))
    clock.advance(3.0)

    assert board.status_since(1.0) is None
    assert board.status_since(0.5) is not None
    assert board.scene().status_age_seconds == 3.0
