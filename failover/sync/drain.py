"""A drain in progress: the cookie's event, then everything older sent, then the standby's durable checkpoint.

A file created in the mirror's root is reported after everything that happened before it, because inotify's queue is in
order (inotify(7)); so once it has been seen, the backlog knows of every change made before the drain was asked for.
What changes after that does not concern the drain: a mirror that is written to without end can still be drained.
"""

from __future__ import annotations

import itertools
import os
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

from failover.errors import FailoverError
from failover.sync.checkpoint import Checkpoint
from failover.sync.rules import COOKIE_PREFIX
from failover.system.clock import Clock

_numbers = itertools.count(1)


class Drain:
    """One drain, from the engine's point of view."""

    def __init__(self, root: Path, timeout_seconds: float, *, clock: Clock) -> None:
        self.future: Future[Checkpoint] = Future()
        self.ends_at = clock.monotonic() + timeout_seconds
        self.seen_at: float | None = None
        """When the cookie's event was read, monotonic: what was read then or before is what the drain is about."""
        self.kept_at: datetime | None = None
        """The moment of the durable checkpoint that proves it; None until there is one."""
        self._asked: str | None = None
        self._asked_at: datetime | None = None
        self._name = COOKIE_PREFIX + f"{os.getpid()}-{next(_numbers)}".encode()
        self._path = Path(root) / os.fsdecode(self._name)

    def place_cookie(self) -> None:
        """Create the file. Raises OSError."""
        os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    def saw(self, path: bytes, now: float) -> bool:
        """A cookie was reported; whether it is this one's."""
        if path != self._name:
            return False
        self.seen_at = now
        self._remove_cookie()
        return True

    @property
    def has_asked(self) -> bool:
        """Whether its checkpoint is on the way."""
        return self._asked is not None

    def asked(self, moment: datetime) -> None:
        """A checkpoint of this moment was asked for, and it covers the drain."""
        self._asked, self._asked_at = moment.isoformat(), moment

    def kept(self, source_time: str) -> None:
        """The standby has this checkpoint."""
        if source_time == self._asked:
            self.kept_at = self._asked_at

    def ask_again(self) -> None:
        """The connection broke: what was asked for will not be answered."""
        self._asked = self._asked_at = self.kept_at = None

    def succeed(self, checkpoint: Checkpoint) -> None:
        """Hand the proof over."""
        self._remove_cookie()
        self.future.set_result(checkpoint)

    def fail(self, error: FailoverError) -> None:
        """Say why there is none."""
        self._remove_cookie()
        self.future.set_exception(error)

    def _remove_cookie(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            pass  # the mirror's root is gone or read-only; the name is never mirrored and does no harm
