"""Time, passed in. Durations come from `monotonic()`, dates from `now()`, waiting is `wait()`."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time as the code may know it; `tests.fakes.clock.FakeClock` is the one for unit tests."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC. For dates shown to people and kept in records, never for durations."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back. For durations and deadlines."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait that long, or less if a stop was asked for. True if it was asked to stop."""
        ...


class SystemClock:
    """The machine's clock. `stop()` may be called from a signal handler or another thread and ends every wait."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since boot."""
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Wait `seconds`, or until `stop()`. True if stopped."""
        return self._stopped.wait(max(0.0, seconds))

    def stop(self) -> None:
        """End every wait, now and from now on."""
        self._stopped.set()
