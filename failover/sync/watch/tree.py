"""Which directory a watch descriptor stands for: wd → (parent's wd, name), so that moving a directory is O(1). Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class _Directory:
    parent: int
    name: bytes
    children: dict[bytes, int] = field(default_factory=dict)


class WatchTree:
    """The watched directories. Names are kept once, paths are put together when asked for."""

    def __init__(self, root: int) -> None:
        self.root = root
        self._directories = {root: _Directory(parent=-1, name=b"")}

    def __len__(self) -> int:
        return len(self._directories)

    def __contains__(self, wd: int) -> bool:
        return wd in self._directories

    def path(self, wd: int, name: bytes = b"") -> bytes:
        """The path of a watched directory, or of a name in it, relative to the root."""
        parts = [name] if name else []
        while wd != self.root:
            directory = self._directories[wd]
            parts.append(directory.name)
            wd = directory.parent
        return b"/".join(reversed(parts))

    def child(self, parent: int, name: bytes) -> int | None:
        """The watch of a directory of that name in `parent`, None if there is none."""
        return self._directories[parent].children.get(name)

    def place(self, wd: int, parent: int, name: bytes) -> list[int]:
        """Say that `wd` is the directory `name` in `parent`, whether it is new or came from elsewhere.

        Returns the watches of what was known under that name before: they stand for nothing in the tree now.
        """
        before = self._directories[parent].children.get(name)
        lost = self.forget(before) if before is not None and before != wd else []
        directory = self._directories.get(wd)
        if directory is None:
            self._directories[wd] = _Directory(parent, name)
        else:
            if self._is_below(parent, wd):
                return lost  # out-of-date news: a directory cannot be its own parent
            self._unlink(wd, directory)
            directory.parent, directory.name = parent, name
        self._directories[parent].children[name] = wd
        return lost

    def forget(self, wd: int) -> list[int]:
        """Remove a directory with all below it; the watches that were removed."""
        directory = self._directories.get(wd)
        if directory is None:
            return []
        self._unlink(wd, directory)
        removed, stack = [], [wd]
        while stack:
            current = stack.pop()
            gone = self._directories.pop(current, None)
            if gone is not None:
                removed.append(current)
                stack.extend(gone.children.values())
        return removed

    def _unlink(self, wd: int, directory: _Directory) -> None:
        parent = self._directories.get(directory.parent)
        if parent is not None and parent.children.get(directory.name) == wd:
            del parent.children[directory.name]

    def _is_below(self, wd: int, above: int) -> bool:
        while wd != self.root:
            if wd == above:
                return True
            wd = self._directories[wd].parent
        return wd == above
