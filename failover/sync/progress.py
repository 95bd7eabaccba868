"""Which checkpoints the primary has asked for, and when to ask again. Pure."""

from __future__ import annotations

from datetime import datetime

_PAUSE_SECONDS = 1.0


class CheckpointProgress:
    """One question under way at most, and a pause between them, because each makes the standby flush its disk."""

    def __init__(self) -> None:
        self.kept: str | None = None
        """The source time of the last checkpoint the standby acknowledged, ISO 8601."""
        self.is_wanted = False
        self._asked: str | None = None
        self._asked_at = float("-inf")
        self._last: datetime | None = None

    def is_due(self, now: float, *, is_hurried: bool) -> bool:
        """Whether to ask now (monotonic seconds)."""
        return (
            self.is_wanted and self._asked is None and (is_hurried or now >= self._asked_at + _PAUSE_SECONDS)
        )

    @property
    def next_due(self) -> float | None:
        """When to ask next; None if there is nothing to ask or an answer is awaited."""
        return self._asked_at + _PAUSE_SECONDS if self.is_wanted and self._asked is None else None

    def ask(self, moment: datetime, now: float, *, is_complete: bool) -> bool:
        """Note that a checkpoint of `moment` is asked for; False if it would say nothing new.

        `is_complete`: nothing waits, so no other one is needed until something has been sent again.
        """
        if not is_complete and self._last is not None and moment <= self._last:
            return False
        self.is_wanted = not is_complete
        self._asked, self._asked_at, self._last = moment.isoformat(), now, moment
        return True

    def kept_now(self, source_time: str) -> None:
        """The standby has it."""
        self.kept = source_time
        if source_time == self._asked:
            self._asked = None

    def lost(self) -> None:
        """The connection broke: an answer will not come."""
        if self._asked is not None:
            self._asked, self.is_wanted = None, True
