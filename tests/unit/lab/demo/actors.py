"""A process that is none: its outputs are pipes that the test writes to. A host that is none: it answers by a list."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - the fake raises what the real one raises
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import IO

from failover.errors import ProgramError
from failover.system.runner import Result


class FakeProcess:
    """Ends when `end` is called or when it is killed."""

    def __init__(self, *, said: bytes = b"", complained: bytes = b"") -> None:
        self.stdin: IO[bytes] | None = None
        self.stdout, self._stdout_writer = _pipe()
        self.stderr: IO[bytes] | None
        self.stderr, self._stderr_writer = _pipe()
        self.status: int | None = None
        self.was_told = self.was_killed = False
        self.ends_when_told = False
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

    def terminate(self) -> None:
        self.was_told = True
        if self.ends_when_told:
            self.end(-15)

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


class FakeHost:
    """Answers a program by its name: with a text, or with an exit status and a text. What it does not know fails."""

    def __init__(
        self,
        name: str,
        address: str = "10.77.0.11",
        answers: Mapping[str, str | tuple[int, str]] | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self.answers = dict(answers or {})
        self.ran: list[Sequence[str]] = []
        self.written: dict[str, bytes] = {}
        self.on_write: Callable[[str], None] = lambda _: None
        self.power: list[str] = []

    def run(self, argv: Sequence[str], *, timeout_seconds: float, accepted: Iterable[int] = (0,)) -> Result:
        self.ran.append(argv)
        program = PurePosixPath(argv[0]).name.rstrip("0123456789.")
        if program not in self.answers:
            raise ProgramError(f"{argv[0]}: cannot connect")
        answer = self.answers[program]
        status, said = (0, answer) if isinstance(answer, str) else answer
        if status not in accepted:
            raise ProgramError(f"{argv[0]}: exit status {status}")
        return Result(status, said.encode(), b"")

    def write(self, path: str, content: bytes) -> None:
        self.written[path] = content
        self.on_write(path)

    def hold_upload(self, path: str) -> None:
        """Have a file among the uploads from now on."""
        self.answers["find"] = f"{self.answers['find']}{PurePosixPath(path).name}\n"

    def power_cut(self) -> None:
        self.power.append("cut")

    def boot(self) -> None:
        self.power.append("on")


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    reader, writer = os.pipe()
    return open(reader, "rb"), open(writer, "wb", buffering=0)
