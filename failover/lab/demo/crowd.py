"""The crowd of visitors: starts a process for each, reads their ledgers, ends them."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO, Self

from failover.errors import LabError
from failover.lab.demo.ledger import Entry, entry_from
from failover.lab.demo.process import Process, Start, end

_GRACE_SECONDS = 4.0
"""More than a visitor's longest turn: two questions of half a second, a connection and a read of a second each."""


class Crowd:
    """Visitors from `enter` to `exit`; every answer goes to `listen`, called from a thread of each visitor.

    `start` gives a process with pipes for stdin and stdout, and its stderr joined to stdout.
    """

    def __init__(self, start: Start, argvs: Sequence[Sequence[str]], listen: Callable[[Entry], None]) -> None:
        self._start = start
        self._argvs = argvs
        self._listen = listen
        self._processes: list[Process] = []
        self._readers: list[threading.Thread] = []
        self._said: deque[str] = deque(maxlen=5)
        self._is_leaving = False

    def __enter__(self) -> Self:
        try:
            for argv in self._argvs:
                process = self._start(argv)
                self._processes.append(process)
                assert process.stdout is not None
                reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
                reader.start()
                self._readers.append(reader)
        except BaseException:
            self.leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def check(self) -> None:
        """See that nobody has left early.

        Raises:
            LabError: a visitor's process has ended; the message has the last thing it said.
        """
        for process in self._processes:
            status = process.poll()
            if status is not None and not self._is_leaving:
                said = self._said[-1] if self._said else "it said nothing"
                raise LabError(f"a visitor's process ended with status {status}: {said}")

    def leave(self) -> None:
        """Send everybody home and read what they wrote last. Can be called twice."""
        self._is_leaving = True
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
        for process in self._processes:
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                end(process, grace_seconds=_GRACE_SECONDS)
        for process, reader in zip(self._processes, self._readers, strict=False):
            reader.join(_GRACE_SECONDS)
            if process.stdout is not None and not reader.is_alive():
                process.stdout.close()

    def _read(self, stdout: IO[bytes]) -> None:
        for line in stdout:
            text = line.decode("utf-8", "replace").rstrip()
            try:
                entry = entry_from(text)
            except ValueError:
                self._said.append(text)
                continue
            self._listen(entry)
