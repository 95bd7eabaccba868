"""A process that is none: its outputs are pipes that the test writes to."""

from __future__ import annotations

import os
import subprocess
import threading
from typing import IO


class FakeProcess:
    """Ends when `end` is called or when it is killed."""

    def __init__(self, *, said: bytes = b"", complained: bytes = b"") -> None:
        self.stdin: IO[bytes] | None = None
        self.stdout, self._stdout_writer = _pipe()
        self.stderr: IO[bytes] | None
        self.stderr, self._stderr_writer = _pipe()
        self.status: int | None = None
        self.was_killed = False
        self._ended = threading.Event()
        self._stdout_writer.write(said)
        self._stderr_writer.write(complained)

    def say(self, line: str) -> None:
        """A line on stdout."""
        self._stdout_writer.write(line.encode() + b"\n")

    def end(self, status: int) -> None:
        """End: both outputs are closed."""
        if self.status is None:
            self.status = status
            self._stdout_writer.close()
            self._stderr_writer.close()
            self._ended.set()

    def poll(self) -> int | None:
        return self.status

    def wait(self, timeout: float | None = None) -> int:
        # A test does not wait for what will not come.
        if not self._ended.wait(None if timeout is None else min(timeout, 0.3)):
            raise subprocess.TimeoutExpired("fake", timeout or 0)
        assert self.status is not None
        return self.status

    def kill(self) -> None:
        self.was_killed = True
        self.end(-9)


class FakeVisitor(FakeProcess):
    """Has a stdin, no stderr of its own, and, if it is obedient, ends when its stdin is closed."""

    def __init__(self, *, is_obedient: bool = True) -> None:
        super().__init__()
        assert self.stderr is not None
        self.stderr.close()
        self.stderr = None
        self._stdin_reader, self.stdin = _pipe()
        self._is_obedient = is_obedient
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        self._stdin_reader.read()
        self._stdin_reader.close()
        if self._is_obedient:
            self.end(0)


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    reader, writer = os.pipe()
    return open(reader, "rb"), open(writer, "wb", buffering=0)
