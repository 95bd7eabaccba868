"""What a watcher tells the mirror, and what one must be able to do. inotify is the first; fanotify would fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from failover.sync.rules import Excludes


class HintKind(Enum):
    """How much a hint covers. Events are hints; the state on disk is the truth."""

    PATH = "path"
    SUBTREE = "subtree"
    WRITING = "writing"
    """The file is being written to; its close comes as PATH."""
    COOKIE = "cookie"
    """A cookie file of ours: everything that happened before it has been reported."""


@dataclass(frozen=True, slots=True)
class Hint:
    """Something may have changed at this path, relative to the root (empty: the root itself)."""

    path: bytes
    kind: HintKind


@dataclass(frozen=True, slots=True)
class Watching:
    """How well a watcher sees. `degraded` says in words what it cannot see, None if it sees everything."""

    directories: int
    degraded: str | None
    is_root_lost: bool
    """The root was removed, renamed or unmounted: nothing more will be reported."""


class Watcher(Protocol):
    """Reports changes below one root."""

    def start(self, root: Path, excludes: Excludes) -> None:
        """Watch everything below `root` that is not excluded, from now on.

        Raises:
            MirrorError: the root cannot be watched at all.
        """
        ...

    def fileno(self) -> int:
        """Readable when `read` has something."""
        ...

    def read(self) -> Sequence[Hint]:
        """Everything reported until now, without waiting; each fact once."""
        ...

    @property
    def watching(self) -> Watching:
        """How well it sees."""
        ...

    def close(self) -> None:
        """Stop watching."""
        ...
