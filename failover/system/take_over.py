"""A lock that its next holder may take from the last: for processes left behind by a connection that broke."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path

from failover.errors import DeadlineError
from failover.system.clock import Clock
from failover.system.deadline import poll

_PATIENCE_SECONDS = 2.0
_KILL_SECONDS = 5.0


def take_over(path: Path, *, clock: Clock, patience_seconds: float = _PATIENCE_SECONDS) -> int:
    """Take the lock; whoever holds it for longer than `patience_seconds` is asked to end, then killed.

    Returns the descriptor that holds it (flock(2)). Make it inheritable to hand the lock on through exec.

    Raises:
        DeadlineError: the holder cannot be ended.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def taken() -> bool | None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        return True

    for seconds, wanted in ((patience_seconds, signal.SIGTERM), (_KILL_SECONDS, signal.SIGKILL)):
        try:
            poll(taken, clock=clock, seconds=seconds, what=str(path))
            break
        except DeadlineError:
            _signal_holder(descriptor, wanted)
    else:
        try:
            poll(taken, clock=clock, seconds=_KILL_SECONDS, what=f"{path}: its holder does not end")
        except DeadlineError:
            os.close(descriptor)
            raise
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _signal_holder(descriptor: int, number: signal.Signals) -> None:
    """Signal the process that wrote its number there. It holds the lock, so the number is not another's."""
    text = os.pread(descriptor, 32, 0)
    if text.isdigit() and int(text) not in {0, 1, os.getpid()}:
        try:
            os.kill(int(text), number)
        except ProcessLookupError:
            pass
