"""Files that are still being written: they wait for their close or a quiet moment, but not for ever. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_QUIET_SECONDS = 1.0
_LONGEST_SECONDS = 10.0
_MOST_PATHS = 10_000


@dataclass(slots=True)
class _Writing:
    first: float
    last: float

    @property
    def due(self) -> float:
        return min(self.last + _QUIET_SECONDS, self.first + _LONGEST_SECONDS)


class Settling:
    """Paths under way. One that never rests is let go every ten seconds, so a log file is sent at a bounded rate."""

    def __init__(self) -> None:
        self._paths: dict[bytes, _Writing] = {}

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[tuple[bytes, float]]:
        """The paths, each with the moment it was first written to."""
        for path, writing in self._paths.items():
            yield path, writing.first

    def touch(self, path: bytes, now: float) -> bool:
        """The path was written to at `now` (monotonic). False if too many wait: then it is dirty at once."""
        writing = self._paths.get(path)
        if writing is not None:
            writing.last = now
        elif len(self._paths) >= _MOST_PATHS:
            return False
        else:
            self._paths[path] = _Writing(now, now)
        return True

    def closed(self, path: bytes) -> float | None:
        """It was closed, renamed or removed: it waits no more. Since when it waited, None if it did not."""
        writing = self._paths.pop(path, None)
        return None if writing is None else writing.first

    def take(self, now: float, *, all_of_them: bool = False) -> list[tuple[bytes, float]]:
        """Paths that are due, each with the moment it was first written to; `all_of_them` for a drain."""
        due = [path for path, writing in self._paths.items() if all_of_them or writing.due <= now]
        return [(path, self._paths.pop(path).first) for path in due]

    @property
    def next_due(self) -> float | None:
        """When `take` will next have something; None if nothing waits."""
        return min((writing.due for writing in self._paths.values()), default=None)

    @property
    def oldest_since(self) -> float | None:
        """When the one that waits longest was first written to."""
        return min((writing.first for writing in self._paths.values()), default=None)
