"""A child process that is waited for by descriptor, next to other things, and can be stopped at any moment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import NoReturn, Self

from failover.system.runner import missing_program

_SAID_BYTES = 8192


class Child:
    """A program that reads prepared input and says little: rsync with its list, for example.

    Input and stderr are anonymous files in memory (memfd_create(2)), so no pipe can fill up and nobody has to pump.
    stdout is thrown away. `fileno()` becomes readable when it has ended (pidfd_open(2)).
    """

    def __init__(self, argv: Sequence[str], *, stdin: bytes = b"") -> None:
        self.name = argv[0]
        feed = os.memfd_create("stdin", os.MFD_CLOEXEC)
        self._said = os.memfd_create("stderr", os.MFD_CLOEXEC)
        try:
            with open(feed, "wb", closefd=False) as file:
                file.write(stdin)
            os.lseek(feed, 0, os.SEEK_SET)
            self._process = subprocess.Popen(
                argv,
                stdin=feed,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                start_new_session=True,  # so that `kill` reaches its own children (rsync's ssh) as well
            )
        except FileNotFoundError:
            os.close(self._said)
            raise missing_program(argv[0]) from None
        finally:
            os.close(feed)
        self._pidfd: int | None = os.pidfd_open(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """The descriptor that becomes readable when it has ended."""
        assert self._pidfd is not None
        return self._pidfd

    def status(self) -> int | None:
        """Its exit status, -N if signal N killed it, None while it runs."""
        return self._process.poll()

    def wait(self, timeout_seconds: float) -> int | None:
        """Its exit status as `status`, after at most that long."""
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return None

    @property
    def said(self) -> str:
        """The end of what it wrote to stderr."""
        size = os.fstat(self._said).st_size
        start = max(0, size - _SAID_BYTES)
        return os.pread(self._said, size - start, start).decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Kill it and its process group if it still runs, and free everything."""
        if self._pidfd is None:
            return
        if self._process.poll() is None:
            try:
                os.killpg(self._process.pid, 9)
            except ProcessLookupError:
                pass
            self._process.wait()
        os.close(self._pidfd)
        os.close(self._said)
        self._pidfd = None


def become(argv: Sequence[str]) -> NoReturn:
    """Turn this process into that program, looked for in PATH.

    Raises:
        ProgramError: it is not installed.
    """
    try:
        os.execvp(argv[0], list(argv))  # noqa: S606 - no shell is wanted
    except FileNotFoundError:
        raise missing_program(argv[0]) from None
