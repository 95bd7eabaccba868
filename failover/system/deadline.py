"""A time limit over a Clock, and polling under one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from failover.errors import DeadlineError
from failover.system.clock import Clock

Answer = TypeVar("Answer")


class Deadline:
    """A moment after which something has failed. Pass it down: what is left of it bounds every inner wait."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self.seconds = seconds
        self._end = clock.monotonic() + seconds

    @property
    def left_seconds(self) -> float:
        """What is left, never below 0."""
        return max(0.0, self._end - self._clock.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the moment has passed."""
        return self.left_seconds <= 0


def poll(
    ask: Callable[[], Answer | None],
    *,
    clock: Clock,
    seconds: float,
    what: str,
    interval_seconds: float = 0.02,
) -> Answer:
    """The first answer of `ask` that is not None; `ask` is tried at once and then every interval.

    Raises:
        DeadlineError: no answer within `seconds`, or a stop was asked for; the message says `what` was waited for.
    """
    deadline = Deadline(clock, seconds)
    while True:
        answer = ask()
        if answer is not None:
            return answer
        if deadline.is_over or clock.wait(min(interval_seconds, deadline.left_seconds)):
            raise DeadlineError(f"{what}: not within {seconds:g} s")
