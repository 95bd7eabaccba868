"""A program that the demo started in a host, as far as it has to know it: subprocess.Popen fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, Protocol


class Process(Protocol):
    """A running program with pipes."""

    @property
    def stdin(self) -> IO[bytes] | None:
        """What it reads, if that is a pipe."""
        ...

    @property
    def stdout(self) -> IO[bytes] | None:
        """What it says."""
        ...

    @property
    def stderr(self) -> IO[bytes] | None:
        """What it complains of, if that is a pipe of its own."""
        ...

    def poll(self) -> int | None:
        """Its exit status, or None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit status. Raises subprocess.TimeoutExpired."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...


Start = Callable[[Sequence[str]], Process]
"""Starts an argv; which pipes it has is said where a Start is asked for."""
