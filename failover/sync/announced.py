"""What the primary announced and has not confirmed as sent: kept by the standby, because a dead primary cannot say it.

`<state>/mirrors/<mirror>/announced` is a log of msgpack records, appended to and rewritten when it has grown. A record
that was cut off by a crash ends the log. Nothing is fsynced: the case it is for is a dead primary, not two dead nodes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from failover.sync.checkpoint import mirror_directory
from failover.sync.packing import pack, unpack_all
from failover.sync.rules import Excludes
from failover.system.files import replace_file

_ANNOUNCED, _SENT = 0, 1
_COMPACT_BYTES = 1024 * 1024
_MOST_PATHS = 200_000


class AnnouncedLog:
    """The log of one mirror, open for writing by the one agent that serves it."""

    def __init__(self, state_directory: Path, mirror: str) -> None:
        directory = mirror_directory(state_directory, mirror)
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "announced"
        self._held = _Held()
        for record in _records(self._path):
            self._held.take(record)
        # Sequences begin anew with each connection: what is left from before is older than anything to come.
        self._held.age()
        self._descriptor = -1
        self._size = 0
        self._compact()

    def announce(self, sequence: int, paths: Sequence[bytes], subtrees: Sequence[bytes]) -> None:
        """These may differ from now on. Survives a killed process when this returns."""
        self._append([_ANNOUNCED, sequence, list(paths), list(subtrees)])

    def sent(self, sequence: int, paths: Sequence[bytes], subtrees: Sequence[bytes]) -> None:
        """These have arrived, at least as new as announcement `sequence`."""
        self._append([_SENT, sequence, list(paths), list(subtrees)])

    def close(self) -> None:
        """Leave the log in its shortest form."""
        if self._descriptor >= 0:
            self._compact()
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, record: list[Any]) -> None:
        data = memoryview(pack(record))
        self._held.take(record)
        while data:
            written = os.write(self._descriptor, data)
            self._size += written
            data = data[written:]
        if not self._held.sequences:
            os.ftruncate(self._descriptor, 0)
            self._size = 0
        elif self._size > max(_COMPACT_BYTES, 2 * self._held.bytes):
            self._compact()

    def _compact(self) -> None:
        content = b"".join(pack(record) for record in self._held.records())
        replace_file(self._path, content, mode=0o600, durable=False)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size = len(content)


class _Held:
    """What is announced and not sent, with the sequence of its last announcement."""

    def __init__(self) -> None:
        self.sequences: dict[tuple[bytes, bool], int] = {}
        self.bytes = 0

    def take(self, record: list[Any]) -> None:
        kind, sequence, paths, subtrees = record
        items = [*((path, False) for path in paths), *((path, True) for path in subtrees)]
        if kind == _ANNOUNCED:
            for item in items:
                self.bytes += 0 if item in self.sequences else len(item[0]) + 8
                self.sequences[item] = sequence
            if len(self.sequences) > _MOST_PATHS:
                self.sequences, self.bytes = {(b"", True): sequence}, 8
            return
        for item in items:
            self._drop(item, sequence)
        for subtree in subtrees:
            below = subtree + b"/" if subtree else b""
            for item in [item for item in self.sequences if item[0] == subtree or item[0].startswith(below)]:
                self._drop(item, sequence)

    def _drop(self, item: tuple[bytes, bool], sequence: int) -> None:
        if self.sequences.get(item, sequence + 1) <= sequence:
            del self.sequences[item]
            self.bytes -= len(item[0]) + 8

    def age(self) -> None:
        self.sequences = dict.fromkeys(self.sequences, 0)

    def records(self) -> Iterator[list[Any]]:
        by_sequence: dict[int, tuple[list[bytes], list[bytes]]] = {}
        for (path, is_subtree), sequence in self.sequences.items():
            by_sequence.setdefault(sequence, ([], []))[is_subtree].append(path)
        for sequence, (paths, subtrees) in sorted(by_sequence.items()):
            yield [_ANNOUNCED, sequence, paths, subtrees]


def read_announced(state_directory: Path, mirror: str) -> tuple[bytes, ...]:
    """What was announced to this node and not confirmed, sorted, without changing anything.

    A path that ends in `/` stands for everything below it, `/` alone for the whole mirror.
    """
    held = _Held()
    for record in _records(mirror_directory(state_directory, mirror) / "announced"):
        held.take(record)
    return tuple(sorted({path + b"/" if is_subtree else path for path, is_subtree in held.sequences}))


def newer_than(root: Path, utc_time: datetime, excludes: Excludes) -> list[bytes]:
    """Paths below `root` whose content or inode changed after that time: what a returned primary alone may have.

    A directory is listed too, because a new time on it is all that is left of a deletion. Sorted; relative to the root.
    """
    limit = utc_time.timestamp() * 1e9
    found = []
    stack = [b""]
    base = os.fsencode(root)
    while stack:
        here = stack.pop()
        try:
            entries = list(os.scandir(base + b"/" + here if here else base))
        except OSError:
            found.append(here)  # cannot be told, so it counts as different
            continue
        for entry in entries:
            path = here + b"/" + entry.name if here else entry.name
            is_directory = entry.is_dir(follow_symlinks=False)
            if excludes.excludes_name(path, is_directory=is_directory):
                continue
            if is_directory:
                stack.append(path)
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if max(status.st_mtime_ns, status.st_ctime_ns) > limit:
                found.append(path)
    return sorted(found)


def _records(path: Path) -> Iterator[list[Any]]:
    """The records of a log, up to the first that is not whole."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    for record in unpack_all(content):
        if not isinstance(record, list) or len(record) != 4 or record[0] not in {_ANNOUNCED, _SENT}:
            return
        yield record
