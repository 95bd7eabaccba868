"""The paths whose state on the standby may differ. Between watch and the lanes; pure.

A trie of path components: adding costs the depth of the path. Many entries in one place collapse into "this subtree",
so memory is bounded whatever happens; a collapsed set only ever covers more, never less.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A dirty path, or with `is_subtree` it and everything below. `since`: when it became so, monotonic seconds."""

    path: bytes
    is_subtree: bool
    since: float


@dataclass(slots=True)
class _Node:
    children: dict[bytes, _Node] = field(default_factory=dict)
    since: float | None = None
    """When this very path became dirty; None if it is only on the way to others."""
    is_subtree: bool = False
    count: int = 0
    """Entries at and below this node."""
    dirty_children: int = 0
    """Direct children that are entries themselves."""


class DirtySet:
    """A set of entries, none of them covered by another one's subtree.

    Past `children_limit` entries directly in one directory, that directory becomes one subtree; past `total_limit`
    altogether, the part of the tree that holds most of them does.
    """

    def __init__(self, *, children_limit: int = 2000, total_limit: int = 100_000) -> None:
        self._children_limit = children_limit
        self._total_limit = total_limit
        self._root = _Node()
        self._oldest: float | None = None
        self.has_subtrees = False
        """Whether some entry is a subtree."""

    def __len__(self) -> int:
        return self._root.count

    @property
    def oldest_since(self) -> float | None:
        """When the entry that waits longest was added; None if there is none."""
        return self._oldest

    def add(self, path: bytes, *, since: float, is_subtree: bool = False) -> Entry | None:
        """Add a path (empty: the root). The entry that is new in the set, or None if it was covered already."""
        parts = path.split(b"/") if path else []
        trail = self._walk(parts)
        if trail is None:
            return None
        node = trail[-1]
        if node.since is not None and not is_subtree:
            return None
        added_at = len(parts)
        self._mark(trail, since=since, is_subtree=is_subtree)
        if len(trail) > 1 and trail[-2].dirty_children > self._children_limit:
            added_at -= 1
            self._mark(trail[:-1], since=since, is_subtree=True)
        while self._root.count > self._total_limit:
            depth = self._collapse_heaviest()
            if parts[: len(depth)] == depth:
                added_at = min(added_at, len(depth))
        self._oldest = since if self._oldest is None else min(self._oldest, since)
        return Entry(b"/".join(parts[:added_at]), is_subtree or added_at < len(parts), since)

    def covers(self, path: bytes) -> bool:
        """Whether the path itself is an entry or lies in a subtree that is one."""
        trail = self._walk(path.split(b"/") if path else [], create=False)
        return trail is None

    def take(self, limit: int | None = None) -> tuple[Entry, ...]:
        """Remove and return the entries, sorted by path; only the `limit` oldest if there are more."""
        entries = list(self)
        self._root, self._oldest, self.has_subtrees = _Node(), None, False
        if limit is None or len(entries) <= limit:
            return tuple(sorted(entries))
        taken = heapq.nsmallest(limit, entries, key=lambda entry: entry.since)
        chosen = {entry.path for entry in taken}
        self.give_back(entry for entry in entries if entry.path not in chosen)
        return tuple(sorted(taken))

    def give_back(self, entries: Iterable[Entry]) -> None:
        """Add entries that could not be sent, with their age."""
        for entry in entries:
            if self.add(entry.path, since=entry.since, is_subtree=entry.is_subtree) is None:
                self._oldest = entry.since if self._oldest is None else min(self._oldest, entry.since)
                self._age(entry)

    def _age(self, entry: Entry) -> None:
        """Give the entry that covers this one its age, if that is greater."""
        node = self._root
        for part in entry.path.split(b"/") if entry.path else []:
            if node.is_subtree or part not in node.children:
                break
            node = node.children[part]
        if node.since is not None:
            node.since = min(node.since, entry.since)

    def _walk(self, parts: list[bytes], *, create: bool = True) -> list[_Node] | None:
        """The nodes from the root to the path; None if it is covered (with `create`: by a subtree only)."""
        node = self._root
        trail = [node]
        for part in parts:
            if node.is_subtree:
                return None
            child = node.children.get(part)
            if child is None:
                child = _Node()
                if not create:
                    return [*trail, child]
                node.children[part] = child
            node = child
            trail.append(node)
        if node.is_subtree or (not create and node.since is not None):
            return None
        return trail

    def _mark(self, trail: list[_Node], *, since: float, is_subtree: bool) -> None:
        """Make the last node of the trail an entry; with `is_subtree` swallow what is below."""
        self.has_subtrees = self.has_subtrees or is_subtree
        node = trail[-1]
        before = node.count
        if node.since is None and len(trail) > 1:
            trail[-2].dirty_children += 1
        if is_subtree:
            inner = [node.since, since, *(entry.since for entry in _entries_below(node, []))]
            node.since = min(value for value in inner if value is not None)
            node.is_subtree, node.children, node.count, node.dirty_children = True, {}, 1, 0
        else:
            node.since = since
            node.count += 1
        for above in trail[:-1]:
            above.count += node.count - before

    def _collapse_heaviest(self) -> list[bytes]:
        """Collapse the deepest directory that holds at least half of all entries; its path."""
        parts: list[bytes] = []
        trail = [self._root]
        while True:
            name, heaviest = max(trail[-1].children.items(), key=lambda item: item[1].count)
            if heaviest.count * 2 < self._root.count or not heaviest.children:
                break
            parts.append(name)
            trail.append(heaviest)
        self._mark(trail, since=_oldest(trail[-1]), is_subtree=True)
        return parts

    def __iter__(self) -> Iterator[Entry]:
        """The entries, in no order."""
        if self._root.since is not None:
            yield Entry(b"", self._root.is_subtree, self._root.since)
        yield from _entries_below(self._root, [])


def _entries_below(node: _Node, parts: list[bytes]) -> Iterator[Entry]:
    stack = [(parts, node)]
    while stack:
        above, current = stack.pop()
        for name, child in current.children.items():
            path = [*above, name]
            if child.since is not None:
                yield Entry(b"/".join(path), child.is_subtree, child.since)
            if child.children:
                stack.append((path, child))


def _oldest(node: _Node) -> float:
    ages = [entry.since for entry in _entries_below(node, [])]
    if node.since is not None:
        ages.append(node.since)
    return min(ages)
