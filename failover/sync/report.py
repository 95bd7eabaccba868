"""What a mirror says of itself: a status for whoever asks, one log line for each change that matters."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from failover.sync.status import MirrorState, MirrorStatus
from failover.system.clock import Clock

log = logging.getLogger(__name__)

_DAILY_WORK = frozenset({MirrorState.IN_SYNC, MirrorState.SENDING})
"""Changing between these is not worth a line."""
_TROUBLE = frozenset({MirrorState.PEER_UNREACHABLE, MirrorState.REFUSED, MirrorState.HALTED})


class Reporter:
    """Written by the engine's thread, read by any."""

    def __init__(self, mirror: str, *, clock: Clock, on_change: Callable[[MirrorStatus], None]) -> None:
        self._clock = clock
        self._on_change = on_change
        self._last = MirrorStatus(mirror, MirrorState.STARTING, clock.now().isoformat())
        self._oldest_since: float | None = None
        self._logged_error: str | None = None

    @property
    def status(self) -> MirrorStatus:
        """The last report, with the age it has by now."""
        oldest = self._oldest_since
        age = None if oldest is None else round(max(0.0, self._clock.monotonic() - oldest), 3)
        return replace(self._last, oldest_age_seconds=age)

    def report(
        self,
        state: MirrorState,
        *,
        waiting_paths: int | None,
        oldest_since: float | None,
        last_checkpoint: str | None,
        last_error: str | None,
        degraded: str | None,
    ) -> None:
        """Take note of how things are; whoever wants to know is told if that is news."""
        before = self._last
        self._oldest_since = oldest_since
        status = MirrorStatus(
            mirror=before.mirror,
            state=state,
            since=before.since if state is before.state else self._clock.now().isoformat(),
            waiting_paths=waiting_paths,
            last_checkpoint=last_checkpoint,
            last_error=last_error,
            degraded=degraded,
        )
        if status == before:
            return
        self._last = status
        self._log(before, status)
        self._on_change(self.status)

    def _log(self, before: MirrorStatus, now: MirrorStatus) -> None:
        if now.state is not before.state and not {before.state, now.state} <= _DAILY_WORK:
            level = logging.WARNING if now.state in _TROUBLE else logging.INFO
            log.log(
                level,
                "mirror %s is %s: %s",
                now.mirror,
                now.state.value,
                now.last_error or now.state.description,
            )
        elif now.last_error and now.last_error != self._logged_error and now.state not in _TROUBLE:
            log.warning("mirror %s: %s", now.mirror, now.last_error)
        if now.degraded != before.degraded:
            log.warning("mirror %s: %s", now.mirror, now.degraded or "the watch sees everything again")
        self._logged_error = now.last_error
