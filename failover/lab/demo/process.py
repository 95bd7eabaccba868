"""A program that the demo started in a host, as far as it has to know it: subprocess.Popen fits."""

from __future__ import annotations

import subprocess
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

    def terminate(self) -> None:
        """Tell the program to end."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...


def end(process: Process, *, grace_seconds: float) -> None:
    """End a program that may still run: told first, killed after `grace_seconds`."""
    if process.poll() is not None:
        return
    # Told, so that the nsenter(1) around it buries it: a host with an unburied process in it cannot go down.
    process.terminate()
    try:
        process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


Start = Callable[[Sequence[str]], Process]
"""Starts an argv; which pipes it has is said where a Start is asked for."""
