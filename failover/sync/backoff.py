"""Growing pauses between tries, with jitter, so that a peer that is away is asked seldom and not in step. Pure."""

from __future__ import annotations

import random


class Backoff:
    """The pauses after failures: doubled each time from `first_seconds` to `longest_seconds`, each ±25 %."""

    def __init__(
        self,
        *,
        first_seconds: float = 0.5,
        longest_seconds: float = 60.0,
        chance: random.Random | None = None,
    ) -> None:
        self._first = first_seconds
        self._longest = longest_seconds
        self._failures = 0
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, guards nothing

    def failed(self) -> float:
        """Note one more failure; how long to pause now, in seconds."""
        pause = min(self._longest, self._first * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return pause * self._chance.uniform(0.75, 1.25)

    def succeeded(self) -> None:
        """Start from the first pause again."""
        self._failures = 0

    @property
    def failures(self) -> int:
        """How many in a row."""
        return self._failures
