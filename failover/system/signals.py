"""Signals as something to wait on: a main loop reads them like any other descriptor."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from typing import Self


class SignalQueue:
    """Collects signals between `with` and its end; only in the main thread (signal(7), signal.set_wakeup_fd)."""

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self._numbers = tuple(numbers)
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def __enter__(self) -> Self:
        self._before_descriptor = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        # The interpreter writes to the descriptor only for signals that have a Python handler.
        self._before = {number: signal.signal(number, _nothing) for number in self._numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._before_descriptor)
        os.close(self._read)
        os.close(self._write)

    def fileno(self) -> int:
        """Readable when a signal has come."""
        return self._read

    def take(self) -> frozenset[int]:
        """The signals that have come since the last time."""
        try:
            return frozenset(os.read(self._read, 4096)) & frozenset(self._numbers)
        except BlockingIOError:
            return frozenset()


def _nothing(_number: int, _frame: object) -> None:
    return
