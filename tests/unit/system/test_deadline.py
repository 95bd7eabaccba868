from __future__ import annotations

import pytest

from failover.errors import DeadlineError
from failover.system.deadline import Deadline, poll
from tests.fakes.clock import FakeClock


def test_a_deadline_counts_down_to_zero_and_not_below() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 2.0)
    clock.advance(1.5)

    assert deadline.left_seconds == 0.5
    assert not deadline.is_over
    clock.advance(9)
    assert deadline.left_seconds == 0.0
    assert deadline.is_over


def test_polling_gives_the_first_answer_and_asks_at_once() -> None:
    clock, answers = FakeClock(), iter([None, None, "yes"])

    assert poll(lambda: next(answers), clock=clock, seconds=1, what="x", interval_seconds=0.1) == "yes"
    assert clock.seconds == pytest.approx(0.2)
    assert poll(lambda: "now", clock=clock, seconds=0, what="x") == "now"


def test_polling_ends_at_its_limit_and_says_what_was_waited_for() -> None:
    clock = FakeClock()
    with pytest.raises(DeadlineError, match=r"the server: not within 2 s"):
        poll(lambda: None, clock=clock, seconds=2, what="the server")

    assert clock.seconds == pytest.approx(2)


def test_a_stop_ends_polling() -> None:
    class Stopped(FakeClock):
        def wait(self, seconds: float) -> bool:
            return True

    with pytest.raises(DeadlineError):
        poll(lambda: None, clock=Stopped(), seconds=1000, what="x")
