"""inotify itself: pyinotify's ctypes wrapper, with bytes for paths and safe descriptor flags; and an event reader."""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyinotify

if TYPE_CHECKING:

    class _Wrapper:
        _libc: Any

        def init(self) -> bool: ...
        def get_errno(self) -> int: ...
        def inotify_rm_watch(self, fd: int, wd: int) -> int: ...

else:
    _Wrapper = pyinotify._CtypesLibcINotifyWrapper  # noqa: SLF001 - the one part of pyinotify that fits; see below

# pyinotify puts a handler of its own on stderr when it is imported.
logging.getLogger("pyinotify").handlers.clear()

CREATE: int = pyinotify.IN_CREATE
DELETE: int = pyinotify.IN_DELETE
DELETE_SELF: int = pyinotify.IN_DELETE_SELF
MOVED_FROM: int = pyinotify.IN_MOVED_FROM
MOVED_TO: int = pyinotify.IN_MOVED_TO
MOVE_SELF: int = pyinotify.IN_MOVE_SELF
MODIFY: int = pyinotify.IN_MODIFY
CLOSE_WRITE: int = pyinotify.IN_CLOSE_WRITE
ATTRIB: int = pyinotify.IN_ATTRIB
OVERFLOW: int = pyinotify.IN_Q_OVERFLOW
IGNORED: int = pyinotify.IN_IGNORED
UNMOUNT: int = pyinotify.IN_UNMOUNT
IS_DIRECTORY: int = pyinotify.IN_ISDIR

_INTEREST: int = (
    CREATE | DELETE | DELETE_SELF | MOVED_FROM | MOVED_TO | MOVE_SELF | MODIFY | CLOSE_WRITE | ATTRIB
    | pyinotify.IN_ONLYDIR | pyinotify.IN_DONT_FOLLOW
)  # fmt: skip
_HEADER = struct.Struct("iIII")  # struct inotify_event without its name (inotify(7))
_BUFFER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One struct inotify_event. `name` is empty when the event is about the watched directory itself."""

    wd: int
    mask: int
    cookie: int
    name: bytes


class Inotify(_Wrapper):
    """One inotify instance, close-on-exec and non-blocking.

    pyinotify's wrapper encodes paths strictly, and its `inotify_init` sets no flags; both are replaced here through
    the libc handle that it opened.
    """

    def __init__(self) -> None:
        super().__init__()
        self.init()
        self.descriptor: int = self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self.descriptor < 0:
            raise self._error()

    def add(self, path: bytes) -> int:
        """Watch a directory; its watch descriptor, the same as before if that directory is watched already.

        Raises:
            OSError: ENOSPC at the limit of watches, ENOENT, ENOTDIR, EACCES, … (inotify_add_watch(2)).
        """
        wd: int = self._libc.inotify_add_watch(self.descriptor, path, _INTEREST)
        if wd < 0:
            raise self._error(path)
        return wd

    def remove(self, wd: int) -> None:
        """Stop watching; it is no error if the watch is gone already."""
        self.inotify_rm_watch(self.descriptor, wd)

    def events(self) -> Iterator[Event]:
        """What has been queued, until there is nothing more."""
        while True:
            try:
                data = os.read(self.descriptor, _BUFFER_BYTES)
            except BlockingIOError:
                return
            yield from parse_events(data)

    def close(self) -> None:
        """Give the instance and all its watches back."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _error(self, path: bytes = b"") -> OSError:
        number = self.get_errno()
        return OSError(number, os.strerror(number), path)


def parse_events(data: bytes) -> Iterator[Event]:
    """The events in a buffer that inotify filled; names without their padding (inotify(7))."""
    position = 0
    while position + _HEADER.size <= len(data):
        wd, mask, cookie, length = _HEADER.unpack_from(data, position)
        position += _HEADER.size
        name = data[position : position + length].rstrip(b"\0")
        position += length
        yield Event(wd, mask, cookie, name)
