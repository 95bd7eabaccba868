"""From dirty entries to what rsync is told: looks at each path once, just before it is sent.

Between the dirty set and the rsync lane. A path whose parent has gone, or is no directory any more, is replaced by the
nearest ancestor that tells the whole story, so that nothing is ever looked up through a link.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from failover.sync.dirty import Entry
from failover.sync.rules import Excludes


@dataclass(frozen=True, slots=True)
class Plan:
    """Two lists for rsync, each sorted and without doubles. `half_linked`: hard links of which some names are missing."""

    shallow: tuple[bytes, ...]
    deep: tuple[bytes, ...]
    compare_content: bool
    half_linked: tuple[bytes, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to run."""
        return not self.shallow and not self.deep


class RecentlySent:
    """Paths of the last batches, each with the wall-clock moment its batch ended.

    A file that is saved again in the same tick of the file system's clock as the save that was just sent can have the
    same size and time with other content. rsync must then compare content. A file whose time is later than the end of
    that batch cannot be meant.
    """

    _KEPT_NANOSECONDS = 10_000_000_000
    _TICK_NANOSECONDS = 20_000_000
    _MOST_PATHS = 50_000

    def __init__(self) -> None:
        self._ended: dict[bytes, int] = {}

    def note(self, paths: Sequence[bytes], ended_nanoseconds: int) -> None:
        """These were in a batch that ended now (nanoseconds since 1970)."""
        kept = {
            path: ended
            for path, ended in self._ended.items()
            if ended_nanoseconds - ended < self._KEPT_NANOSECONDS
        }
        kept.update(dict.fromkeys(paths, ended_nanoseconds))
        self._ended = kept if len(kept) <= self._MOST_PATHS else {}

    def may_look_equal(self, path: bytes, changed_nanoseconds: int) -> bool:
        """Whether a file with this mtime may be sent already under the same time with other content."""
        ended = self._ended.get(path)
        return ended is not None and changed_nanoseconds <= ended + self._TICK_NANOSECONDS


class Planner:
    """Makes plans for one mirror."""

    def __init__(self, root: Path, excludes: Excludes, *, deletes: bool) -> None:
        self._root = os.fsencode(root)
        self._excludes = excludes
        self._deletes = deletes
        self.recent = RecentlySent()

    def plan(self, entries: Sequence[Entry]) -> Plan:
        """What to send for these entries, by what is on disk now."""
        shallow: set[bytes] = set()
        deep: set[bytes] = set()
        links: dict[tuple[int, int], list[bytes]] = {}
        link_counts: Counter[tuple[int, int]] = Counter()
        compare_content = False
        known: dict[bytes, bool] = {}
        for entry in entries:
            path = self._nearest_real(entry.path, known)
            try:
                status = os.lstat(self._absolute(path))
            except FileNotFoundError:
                if self._deletes and not self._excludes.excludes(path, is_directory=False):
                    shallow.add(path.rpartition(b"/")[0] + b"/" if b"/" in path else b"./")
                continue
            except OSError:
                shallow.add(path)  # rsync will meet the same error and say it
                continue
            is_directory = stat.S_ISDIR(status.st_mode)
            if self._excludes.excludes(path, is_directory=is_directory):
                continue
            if is_directory and entry.is_subtree and path == entry.path:
                deep.add(path)
                continue
            shallow.add(path)
            if stat.S_ISREG(status.st_mode):
                compare_content |= self.recent.may_look_equal(path, status.st_mtime_ns)
                if status.st_nlink > 1:
                    inode = (status.st_dev, status.st_ino)
                    links.setdefault(inode, []).append(path)
                    link_counts[inode] = status.st_nlink
        if any(b"/" not in path for path in (*shallow, *deep)):
            # rsync sends the directories above a listed path with it, but not the root itself.
            shallow.add(b"")
        half = [path for inode, paths in links.items() if len(paths) < link_counts[inode] for path in paths]
        return Plan(tuple(sorted(shallow)), tuple(sorted(deep)), compare_content, tuple(sorted(half)))

    def _nearest_real(self, path: bytes, known: dict[bytes, bool]) -> bytes:
        """The path, or the first ancestor of it, from the top, that is not a directory."""
        end = path.find(b"/")
        while end >= 0:
            above = path[:end]
            is_real = known.get(above)
            if is_real is None:
                is_real = known[above] = self._is_directory(above)
            if not is_real:
                return above
            end = path.find(b"/", end + 1)
        return path

    def _is_directory(self, path: bytes) -> bool:
        try:
            return stat.S_ISDIR(os.lstat(self._absolute(path)).st_mode)
        except OSError:
            return False

    def _absolute(self, path: bytes) -> bytes:
        return self._root + b"/" + path if path else self._root
