"""One instance at a time on this machine: a lock that the kernel drops when its holder dies (flock(2))."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self


class FileLock:
    """An exclusive lock on a file, with a line about its holder inside for whoever finds it taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, holder: str) -> str | None:
        """Take it. None when taken; otherwise the line its present holder left."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            line = os.read(descriptor, 4096).decode("utf-8", "replace").strip()
            os.close(descriptor)
            return line or "somebody who left no name"
        os.ftruncate(descriptor, 0)
        os.write(descriptor, holder.encode() + b"\n")
        self._descriptor = descriptor
        return None

    def release(self) -> None:
        """Give it back. The file stays: removing it would let two holders lock two files of one name."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
