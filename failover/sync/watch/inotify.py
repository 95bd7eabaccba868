"""The inotify watcher: one watch a directory, set before the directory is read.

Whatever goes wrong has one answer: that directory, or the root, is dirty and is looked at again. Overflow, a watch
descriptor nobody knows, a lost half of a rename and a watch that could not be set are all of this kind (inotify(7)).
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from failover.errors import MirrorError
from failover.sync.rules import COOKIE_PREFIX, Excludes
from failover.sync.watch import binding
from failover.sync.watch.binding import Event, Inotify
from failover.sync.watch.interface import Hint, HintKind, Watching
from failover.sync.watch.tree import WatchTree

log = logging.getLogger(__name__)

_LIMIT_HINT = "no more inotify watches (sysctl fs.inotify.max_user_watches)"
_ENTRY = binding.CREATE | binding.DELETE | binding.MOVED_FROM | binding.MOVED_TO | binding.ATTRIB
_HERE_NOW = binding.CREATE | binding.MOVED_TO
_ROOT_LOST = binding.DELETE_SELF | binding.MOVE_SELF | binding.UNMOUNT


class InotifyWatcher:
    """Watches one tree. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._inotify: Inotify | None = None
        self._tree = WatchTree(-1)
        self._root = b""
        self._excludes = Excludes()
        self._hints: dict[Hint, None] = {}
        self._leaving: dict[int, int] = {}
        """Directories that were moved away: the rename's cookie → wd, until the other half comes."""
        self._removed: set[int] = set()
        """Watches given back, whose last events may still come."""
        self._unwatched: set[bytes] = set()
        self._is_at_limit = False
        self._is_root_lost = False

    def start(self, root: Path, excludes: Excludes) -> None:
        """See `Watcher.start`."""
        self._root, self._excludes = os.fsencode(root), excludes
        try:
            self._inotify = Inotify()
        except OSError as error:
            raise MirrorError(
                f"cannot watch {root}: {error.strerror}", hint="sysctl fs.inotify.max_user_instances"
            ) from None
        self._watch_everything()

    def fileno(self) -> int:
        """See `Watcher.fileno`."""
        return self._open.descriptor

    @property
    def watching(self) -> Watching:
        """See `Watcher.watching`."""
        degraded = None
        if self._is_at_limit:
            degraded = _LIMIT_HINT
        elif self._unwatched:
            example = min(self._unwatched).decode("utf-8", "replace")
            degraded = f"{len(self._unwatched)} directories cannot be watched, {example!r} is one"
        return Watching(len(self._tree), degraded, self._is_root_lost)

    def read(self) -> Sequence[Hint]:
        """See `Watcher.read`."""
        must_start_over = False
        for event in self._open.events():
            if event.mask & binding.OVERFLOW:
                log.warning("too many changes at once, looking at the whole mirror again root=%r", self._root)
                must_start_over = True
            elif event.wd in self._tree:
                self._take(event)
            elif event.wd in self._removed:
                if event.mask & binding.IGNORED:
                    self._removed.discard(event.wd)
            elif not event.mask & binding.IGNORED:
                must_start_over = True
        for wd in self._leaving.values():
            # The other half has not come: it left the mirror, or will be found again where it arrives.
            self._give_back(self._tree.forget(wd))
        self._leaving.clear()
        if must_start_over:
            self._watch_everything()
            self._add(b"", HintKind.SUBTREE)
        hints, self._hints = tuple(self._hints), {}
        return hints

    def close(self) -> None:
        """See `Watcher.close`."""
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    @property
    def _open(self) -> Inotify:
        assert self._inotify is not None, "start it first"
        return self._inotify

    def _add(self, path: bytes, kind: HintKind) -> None:
        self._hints[Hint(path, kind)] = None

    def _give_back(self, watches: Iterable[int]) -> None:
        for wd in watches:
            self._open.remove(wd)
            self._removed.add(wd)

    def _watch_everything(self) -> None:
        """Watch the whole tree, new or again; watches that stand for nothing any more are given back."""
        before = self._tree
        self._unwatched.clear()
        self._is_at_limit = False
        try:
            root = self._open.add(self._root)
        except OSError as error:
            if len(before) > 1 or before.root != -1:
                self._is_root_lost = True
                return
            self.close()
            raise MirrorError(
                f"cannot watch {os.fsdecode(self._root)}: {error.strerror}",
                hint=_LIMIT_HINT if error.errno == errno.ENOSPC else None,
            ) from None
        if before.root == root:
            self._leaving.clear()
        self._tree = WatchTree(root)
        self._removed.discard(root)
        self._watch_below(root)
        if before.root != -1:
            self._give_back(wd for wd in before.forget(before.root) if wd not in self._tree)

    def _watch_below(self, top: int) -> None:
        """Watch all directories below a watched one: each is watched before it is read."""
        stack = [top]
        while stack:
            parent = stack.pop()
            if parent not in self._tree:
                continue
            here = self._tree.path(parent)
            for name in self._directories_in(here):
                path = here + b"/" + name if here else name
                if self._excludes.excludes_name(path, is_directory=True):
                    continue
                wd = self._watch(parent, name, path)
                if wd is not None:
                    stack.append(wd)

    def _directories_in(self, path: bytes) -> list[bytes]:
        try:
            with os.scandir(self._absolute(path)) as entries:
                return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except (FileNotFoundError, NotADirectoryError):
            return []  # it went meanwhile; its parent's event says so
        except OSError:
            self._unwatched.add(path)
            return []

    def _watch(self, parent: int, name: bytes, path: bytes) -> int | None:
        try:
            wd = self._open.add(self._absolute(path))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                self._is_at_limit = True
            elif error.errno not in {errno.ENOENT, errno.ENOTDIR}:
                self._unwatched.add(path)
            self._add(path, HintKind.SUBTREE)
            return None
        if wd == self._tree.root:
            return None  # a bind mount of the root inside itself
        self._removed.discard(wd)
        self._give_back(self._tree.place(wd, parent, name))
        return wd

    def _take(self, event: Event) -> None:
        is_directory = bool(event.mask & binding.IS_DIRECTORY)
        if not event.name:
            self._take_own(event)
            return
        path = self._tree.path(event.wd, event.name)
        if event.wd == self._tree.root and event.name.startswith(COOKIE_PREFIX):
            if event.mask & _HERE_NOW:
                self._add(path, HintKind.COOKIE)
            return
        if self._excludes.excludes(path, is_directory=is_directory):
            return
        if is_directory:
            self._take_directory(event, path)
        elif event.mask & binding.MODIFY or (event.mask & binding.CREATE and self._will_be_closed(path)):
            self._add(path, HintKind.WRITING)
        else:
            self._hints.pop(Hint(path, HintKind.WRITING), None)
            self._add(path, HintKind.PATH)

    def _take_own(self, event: Event) -> None:
        """An event about a watched directory itself; its parent reports the rest."""
        if event.mask & binding.IGNORED and event.wd != self._tree.root:
            # What was below it has gone before it, or is told by IGNORED events of its own.
            self._give_back(wd for wd in self._tree.forget(event.wd) if wd != event.wd)
            return
        if event.wd == self._tree.root:
            if event.mask & (_ROOT_LOST | binding.IGNORED):
                self._is_root_lost = True
                self._add(b"", HintKind.SUBTREE)
            elif event.mask & binding.ATTRIB:
                self._add(b"", HintKind.PATH)
        elif event.mask & binding.UNMOUNT:
            self._add(self._tree.path(event.wd) if event.wd in self._tree else b"", HintKind.SUBTREE)

    def _take_directory(self, event: Event, path: bytes) -> None:
        if event.mask & binding.MOVED_FROM:
            wd = self._tree.child(event.wd, event.name)
            if wd is not None:
                self._leaving[event.cookie] = wd
            self._add(path, HintKind.PATH)
        elif event.mask & binding.MOVED_TO:
            wd = self._leaving.pop(event.cookie, None)
            if wd is not None and wd in self._tree:
                self._give_back(self._tree.place(wd, event.wd, event.name))
                if self._excludes.depends_on_place:
                    self._watch_below(wd)
            else:
                self._watch_new(event, path)
            self._add(path, HintKind.SUBTREE)
        elif event.mask & binding.CREATE:
            self._watch_new(event, path)
            self._add(path, HintKind.SUBTREE)
        elif event.mask & _ENTRY:
            self._add(path, HintKind.PATH)

    def _watch_new(self, event: Event, path: bytes) -> None:
        wd = self._watch(event.wd, event.name, path)
        if wd is not None:
            self._watch_below(wd)

    def _will_be_closed(self, path: bytes) -> bool:
        """Whether a new name is a file that somebody has open, rather than a link or a device: those are whole."""
        try:
            status = os.lstat(self._absolute(path))
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_nlink == 1

    def _absolute(self, path: bytes) -> bytes:
        return self._root + b"/" + path if path else self._root
