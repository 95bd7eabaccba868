"""A running program at the other end of two pipes: the agent over ssh, and the like."""

from __future__ import annotations

import os
import select
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from typing import IO, Self

from failover.errors import DeadlineError, UnreachableError
from failover.system.clock import Clock
from failover.system.deadline import Deadline
from failover.system.runner import missing_program

_CHUNK_BYTES = 65536
_STDERR_LINES = 20


class PipeProcess:
    """A child process whose stdin we write and whose stdout we read, each under a time limit.

    What it says on stderr is kept (the last lines only) for the message of the error that follows. Use it as a
    context manager: leaving closes its stdin, gives it a moment to end, and kills it otherwise.
    """

    def __init__(self, argv: Sequence[str], *, clock: Clock) -> None:
        self._clock = clock
        self.name = argv[0]
        try:
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,  # Ctrl-C goes to us; we decide what the child does
            )
        except FileNotFoundError:
            raise missing_program(argv[0]) from None
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._stdin, self._stdout = self._child.stdin, self._child.stdout
        os.set_blocking(self._stdin.fileno(), False)
        self._buffer = bytearray()
        self._said: deque[bytes] = deque(maxlen=_STDERR_LINES)
        self._listener = threading.Thread(target=self._listen, args=(self._child.stderr,), daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Its stdout, for select(2)."""
        return self._stdout.fileno()

    @property
    def said(self) -> str:
        """The last lines it wrote to stderr."""
        return b"\n".join(self._said).decode("utf-8", "replace").strip()

    def write(self, data: bytes, *, timeout_seconds: float) -> None:
        """Write all of it.

        Raises:
            DeadlineError: its pipe stayed full. UnreachableError: it has ended.
        """
        deadline, view = Deadline(self._clock, timeout_seconds), memoryview(data)
        while view:
            _, ready, _ = select.select([], [self._stdin], [], deadline.left_seconds)
            if not ready:
                raise DeadlineError(f"{self.name}: took no data for {timeout_seconds:g} s")
            try:
                view = view[os.write(self._stdin.fileno(), view) :]
            except BrokenPipeError:
                raise self._ended() from None

    def read_line(self, *, timeout_seconds: float) -> bytes:
        """The next line, without its end.

        Raises:
            DeadlineError: none came in time. UnreachableError: the program has ended.
        """
        deadline = Deadline(self._clock, timeout_seconds)
        while (end := self._buffer.find(b"\n")) < 0:
            self._fill(deadline)
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def read_some(self, *, timeout_seconds: float) -> bytes:
        """Whatever has come, at least one byte. Raises as `read_line`."""
        if not self._buffer:
            self._fill(Deadline(self._clock, timeout_seconds))
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def close(self, *, grace_seconds: float = 1.0) -> None:
        """Close its stdin; kill it if it has not ended after `grace_seconds`."""
        self._stdin.close()
        if not self._ends_within(grace_seconds):
            self._child.kill()
        self._child.wait()
        self._listener.join(grace_seconds)
        self._stdout.close()

    def _ends_within(self, seconds: float) -> bool:
        """Wait for its end by descriptor (pidfd_open(2)): subprocess's own limit is a loop that sleeps."""
        if self._child.poll() is not None:
            return True
        descriptor = os.pidfd_open(self._child.pid)
        try:
            ended, _, _ = select.select([descriptor], [], [], seconds)
        finally:
            os.close(descriptor)
        return bool(ended)

    def _fill(self, deadline: Deadline) -> None:
        ready, _, _ = select.select([self._stdout], [], [], deadline.left_seconds)
        if not ready:
            raise DeadlineError(f"{self.name}: no answer within {deadline.seconds:g} s")
        data = os.read(self._stdout.fileno(), _CHUNK_BYTES)
        if not data:
            raise self._ended()
        self._buffer += data

    def _ended(self) -> UnreachableError:
        self._listener.join(0.5)
        return UnreachableError(f"{self.name}: {self.said.splitlines()[-1] if self.said else 'it ended'}")

    def _listen(self, stderr: IO[bytes]) -> None:
        with stderr as lines:
            for line in lines:
                self._said.append(line.rstrip())
