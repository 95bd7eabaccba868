"""What the demo types on the operator's host, and what came of it."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Protocol

from failover.errors import FailoverError, LabError
from failover.lab.demo.timeline import CommandRun, StepEvent
from failover.system.clock import Clock

_GRACE_SECONDS = 2.0


class OperatorHost(Protocol):
    """What is needed of the lab's host: to start a program in it."""

    def popen(
        self, argv: Sequence[str], *, stdin: int | None, stdout: int | None, stderr: int | None
    ) -> subprocess.Popen[bytes]:
        """Start a program inside the host."""
        ...


class Operator:
    """Types commands on a host and waits for them; every wait is bounded, and Ctrl-C ends what was started."""

    def __init__(self, host: OperatorHost, *, clock: Clock) -> None:
        self._host = host
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
        lines: queue.SimpleQueue[tuple[float, bytes] | None] = queue.SimpleQueue()
        complaints: list[bytes] = []
        events: list[StepEvent] = []
        process = self._start(argv)
        assert process.stdout is not None
        assert process.stderr is not None
        readers = (
            threading.Thread(target=self._stamp, args=(process.stdout, lines), daemon=True),
            threading.Thread(target=complaints.extend, args=(process.stderr,), daemon=True),
        )
        try:
            for reader in readers:
                reader.start()
            deadline = self._clock.monotonic() + timeout_seconds
            while (
                line := _next(lines, deadline - self._clock.monotonic(), argv, timeout_seconds)
            ) is not None:
                event = _event(*line)
                if event is not None:
                    events.append(event)
                    on_event(event)
            status = process.wait(max(0.1, deadline - self._clock.monotonic()))
        except subprocess.TimeoutExpired:
            raise _too_late(argv, timeout_seconds) from None
        finally:
            _end(process)
            for reader, stream in zip(readers, (process.stdout, process.stderr), strict=True):
                reader.join(_GRACE_SECONDS)
                # Still reading: somebody the command started holds the pipe; closing it under a reader would hang.
                if not reader.is_alive():
                    stream.close()
        ended_at = self._clock.now().timestamp()
        said = b"".join(complaints).decode("utf-8", "replace").strip()
        return CommandRun(tuple(argv), began_at, ended_at, status, tuple(events), said)

    def ask(self, argv: Sequence[str], *, timeout_seconds: float) -> Mapping[str, Any]:
        """Run a command that prints one JSON object; the object, whatever the exit status was.

        Raises:
            LabError: it did not end in time, or printed something else; the message has what it said.
        """
        status, stdout, stderr = self._run(argv, timeout_seconds)
        try:
            value = json.loads(stdout)
        except ValueError:
            raise LabError(f"{' '.join(argv)} ended with status {status}: {_last(stderr, stdout)}") from None
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
            raise LabError(f"{' '.join(argv)} ended with status {status}: {_last(stderr, stdout)}")

    def _run(self, argv: Sequence[str], timeout_seconds: float) -> tuple[int, bytes, bytes]:
        process = self._start(argv)
        try:
            stdout, stderr = process.communicate(timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            raise _too_late(argv, timeout_seconds) from None
        finally:
            _end(process)
        return process.returncode, stdout, stderr

    def _start(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        return self._host.popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def _stamp(self, stdout: IO[bytes], lines: queue.SimpleQueue[tuple[float, bytes] | None]) -> None:
        try:
            for line in stdout:
                lines.put((self._clock.now().timestamp(), line))
        finally:
            lines.put(None)


def _next(
    lines: queue.SimpleQueue[tuple[float, bytes] | None],
    left_seconds: float,
    argv: Sequence[str],
    timeout_seconds: float,
) -> tuple[float, bytes] | None:
    try:
        return lines.get(timeout=max(0.0, left_seconds))
    except queue.Empty:
        raise _too_late(argv, timeout_seconds) from None


def _event(at: float, line: bytes) -> StepEvent | None:
    """The event on a line, or None: a line that is no object is talk, not an event."""
    try:
        data = json.loads(line)
    except ValueError:
        return None
    return StepEvent(at, data) if isinstance(data, dict) else None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


def _last(*outputs: bytes) -> str:
    """What it said, the first output that is not empty, as one text."""
    said = next((output.strip() for output in outputs if output.strip()), b"it said nothing")
    return said.decode("utf-8", "replace")


def _too_late(argv: Sequence[str], seconds: float) -> FailoverError:
    return LabError(f"{' '.join(argv)}: no end within {seconds:g} s")
