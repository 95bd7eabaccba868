"""What the demo types on the operator's host, and what came of it."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Self

from failover.errors import FailoverError, LabError
from failover.lab.demo.process import Process, Start, end
from failover.lab.demo.timeline import CommandRun, StepEvent
from failover.system.clock import Clock
from failover.system.deadline import Deadline

_GRACE_SECONDS = 2.0


class Operator:
    """Types commands and waits for them; every wait is bounded, and Ctrl-C ends what was started.

    `start` gives a process with pipes for stdout and stderr and nothing to read.
    """

    def __init__(self, start: Start, *, clock: Clock) -> None:
        self._start = start
        self._clock = clock

    def watch(
        self,
        argv: Sequence[str],
        *,
        timeout_seconds: float,
        on_event: Callable[[StepEvent], None] = lambda _: None,
    ) -> CommandRun:
        """Run a command that prints events as JSON lines; each is handed on as it comes, stamped when it was read.

        Raises:
            LabError: it had not ended after `timeout_seconds`; it was killed.
        """
        began_at = self._clock.now().timestamp()
        events: list[StepEvent] = []
        with _Listener(self._start(argv), self._clock) as listener:
            deadline = Deadline(self._clock, timeout_seconds)
            while (line := listener.next_line(deadline)) is not None:
                event = _event(*line)
                if event is not None:
                    events.append(event)
                    on_event(event)
            status = listener.status(deadline)
        if status is None:
            raise _too_late(argv, timeout_seconds)
        ended_at = self._clock.now().timestamp()
        return CommandRun(tuple(argv), began_at, ended_at, status, tuple(events), listener.complaint())

    def ask(self, argv: Sequence[str], *, timeout_seconds: float) -> Mapping[str, Any]:
        """Run a command that prints one JSON object; the object, whatever the exit status was.

        Raises:
            LabError: it did not end in time, or printed something else; the message has what it said.
        """
        status, stdout, stderr = self._run(argv, timeout_seconds)
        try:
            value = json.loads(stdout)
        except ValueError:
            raise LabError(f"{' '.join(argv)} ended with status {status}: {_said(stderr, stdout)}") from None
        if not isinstance(value, dict):
            raise LabError(f"{' '.join(argv)} printed JSON that is not an object")
        return value

    def do(self, argv: Sequence[str], *, timeout_seconds: float) -> None:
        """Run a command that has to succeed.

        Raises:
            LabError: it did not, or not in time; the message has what it said.
        """
        status, stdout, stderr = self._run(argv, timeout_seconds)
        if status != 0:
            raise LabError(f"{' '.join(argv)} ended with status {status}: {_said(stderr, stdout)}")

    def _run(self, argv: Sequence[str], timeout_seconds: float) -> tuple[int, str, str]:
        lines = []
        with _Listener(self._start(argv), self._clock) as listener:
            deadline = Deadline(self._clock, timeout_seconds)
            while (line := listener.next_line(deadline)) is not None:
                lines.append(line[1])
            status = listener.status(deadline)
        if status is None:
            raise _too_late(argv, timeout_seconds)
        return status, b"".join(lines).decode("utf-8", "replace"), listener.complaint()


class _Listener:
    """Reads both outputs of a process, each line of stdout stamped with the moment it came. Leaving ends the process."""

    def __init__(self, process: Process, clock: Clock) -> None:
        self._process = process
        self._clock = clock
        self._lines: queue.SimpleQueue[tuple[float, bytes] | None] = queue.SimpleQueue()
        self._complaints: list[bytes] = []
        assert process.stdout is not None
        assert process.stderr is not None
        self._readers = {
            threading.Thread(target=self._stamp, args=(process.stdout,), daemon=True): process.stdout,
            threading.Thread(
                target=self._complaints.extend, args=(process.stderr,), daemon=True
            ): process.stderr,
        }

    def __enter__(self) -> Self:
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        end(self._process, grace_seconds=_GRACE_SECONDS)
        for reader, stream in self._readers.items():
            reader.join(_GRACE_SECONDS)
            # Still reading: somebody the command started holds the pipe; closing it under a reader would hang.
            if not reader.is_alive():
                stream.close()

    def next_line(self, deadline: Deadline) -> tuple[float, bytes] | None:
        """The next line and when it came (Unix seconds), or None: there is no more, or no more time."""
        try:
            return self._lines.get(timeout=deadline.left_seconds)
        except queue.Empty:
            return None

    def status(self, deadline: Deadline) -> int | None:
        """Its exit status, or None: it has not ended in time."""
        try:
            return self._process.wait(deadline.left_seconds)
        except subprocess.TimeoutExpired:
            return None

    def complaint(self) -> str:
        """All it wrote to stderr, once it was left."""
        return b"".join(self._complaints).decode("utf-8", "replace").strip()

    def _stamp(self, stdout: IO[bytes]) -> None:
        try:
            for line in stdout:
                self._lines.put((self._clock.now().timestamp(), line))
        finally:
            self._lines.put(None)


def _event(at: float, line: bytes) -> StepEvent | None:
    """The event on a line, or None: a line that is no object is talk, not an event."""
    try:
        data = json.loads(line)
    except ValueError:
        return None
    return StepEvent(at, data) if isinstance(data, dict) else None


def _said(*outputs: str) -> str:
    """What it complained of, in one line: an error's first line, of a traceback the last."""
    said = next((output.strip() for output in outputs if output.strip()), "it said nothing").splitlines()
    return said[-1] if said[0].startswith("Traceback") else said[0]


def _too_late(argv: Sequence[str], seconds: float) -> FailoverError:
    return LabError(f"{' '.join(argv)}: no end within {seconds:g} s")
