"""Everything that is not on the standby yet: being written, dirty, on its way, or put aside after a failure. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from failover.sync.dirty import DirtySet, Entry
from failover.sync.settling import Settling
from failover.sync.watch.interface import Hint, HintKind

_LINK_PASS_SECONDS = 10.0


class Backlog:
    """The one place that knows what waits, and since when. Times are monotonic seconds."""

    def __init__(self, *, batch_limit: int = 20_000) -> None:
        self._batch_limit = batch_limit
        self._dirty = DirtySet()
        self._settling = Settling()
        self._parked = DirtySet()
        self._parked_until = 0.0
        self._owed_since: float | None = None
        self._heard_before: dict[float, float] = {}
        """Moment of a reading of the watch to the moment of the one before: its changes happened in between."""
        self.in_flight: tuple[Entry, ...] = ()

    def heard(self, now: float, before: float) -> None:
        """Hints follow that were read at `now`, after a reading at `before` that left nothing behind."""
        oldest = self.oldest_since
        if oldest is None:
            self._heard_before.clear()
        else:
            self._heard_before = {read: then for read, then in self._heard_before.items() if read >= oldest}
        self._heard_before[now] = before

    def add(self, hint: Hint, now: float) -> Entry | None:
        """Take a hint. What is to be announced because of it, None if that has been done already."""
        if hint.kind is HintKind.COOKIE:
            return None
        if hint.kind is HintKind.WRITING:
            if self._dirty.covers(hint.path):
                return None
            before = len(self._settling)
            if self._settling.touch(hint.path, now):
                return Entry(hint.path, False, now) if len(self._settling) > before else None
        is_subtree = hint.kind is HintKind.SUBTREE
        since = self._settling.closed(hint.path)
        return self._dirty.add(hint.path, since=now if since is None else since, is_subtree=is_subtree)

    def has_waited_since(self, moment: float) -> bool:
        """Whether something waits that was heard of at that moment or before, or whose age is not known."""
        oldest = self.oldest_since
        return self.covered_until(moment) is None or (oldest is not None and oldest <= moment)

    def add_everything(self, now: float) -> Entry | None:
        """The whole mirror is dirty: a full pass."""
        return self._dirty.add(b"", since=now, is_subtree=True)

    def owe_full_pass(self, now: float) -> None:
        """Hard links can only be put right by a full pass: one a while is enough."""
        if self._owed_since is None:
            self._owed_since = now

    def hurry(self) -> None:
        """A drain does not wait for quiet moments, pauses or owed passes."""
        for path, first in self._settling.take(0.0, all_of_them=True):
            self._dirty.add(path, since=first)
        self._release_parked()
        self._release_owed()

    def take(self, now: float) -> tuple[Entry, ...]:
        """The next batch, which is then in flight; empty if nothing is ready."""
        assert not self.in_flight, "one batch at a time"
        self._settle(now)
        self.in_flight = self._dirty.take(self._batch_limit)
        return self.in_flight

    def arrived(self) -> tuple[Entry, ...]:
        """The batch in flight has arrived; its entries."""
        entries, self.in_flight = self.in_flight, ()
        return entries

    def park(self, until: float) -> None:
        """The batch in flight, or a part of it, failed for a reason in the files: all of it waits until then."""
        self._parked.give_back(self.in_flight)
        self._parked_until = until
        self.in_flight = ()

    def give_back(self) -> None:
        """The batch in flight was interrupted: it goes with the next one."""
        self._dirty.give_back(self.in_flight)
        self.in_flight = ()

    def is_ready(self, now: float) -> bool:
        """Whether `take` would give something."""
        due = self.next_due
        return bool(len(self._dirty)) or (due is not None and due <= now)

    @property
    def next_due(self) -> float | None:
        """When something that waits on purpose will be ready; None if nothing does."""
        moments = [self._settling.next_due]
        if len(self._parked):
            moments.append(self._parked_until)
        if self._owed_since is not None:
            moments.append(self._owed_since + _LINK_PASS_SECONDS)
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def has_parked(self) -> bool:
        """Whether something waits because it failed."""
        return bool(len(self._parked))

    @property
    def waiting(self) -> int:
        """How many entries are not on the standby; 0 means none at all."""
        owed = self._owed_since is not None
        return len(self._dirty) + len(self._settling) + len(self._parked) + len(self.in_flight) + owed

    @property
    def oldest_since(self) -> float | None:
        """Since when the oldest of them waits."""
        moments = [
            self._dirty.oldest_since,
            self._settling.oldest_since,
            self._parked.oldest_since,
            self._owed_since,
            *(entry.since for entry in self.in_flight),
        ]
        return min((moment for moment in moments if moment is not None), default=None)

    def covered_until(self, now: float) -> float | None:
        """Every change before this moment has arrived; None if nobody knows.

        A subtree is dirty since it was found to be, and holds changes that are older: of its age nothing is known.
        """
        is_known = not (
            self._dirty.has_subtrees
            or self._parked.has_subtrees
            or self._owed_since is not None
            or any(entry.is_subtree for entry in self.in_flight)
        )
        if not is_known:
            return None
        oldest = self.oldest_since
        return now if oldest is None else self._heard_before.get(oldest, oldest)

    def __iter__(self) -> Iterator[Entry]:
        """Everything that waits, to announce it to a standby that was just reached."""
        yield from self._dirty
        yield from self._parked
        yield from self.in_flight
        for path, first in self._settling:
            yield Entry(path, False, first)
        if self._owed_since is not None:
            yield Entry(b"", True, self._owed_since)

    def _settle(self, now: float) -> None:
        for path, first in self._settling.take(now):
            self._dirty.add(path, since=first)
        if len(self._parked) and self._parked_until <= now:
            self._release_parked()
        if self._owed_since is not None and self._owed_since + _LINK_PASS_SECONDS <= now:
            self._release_owed()

    def _release_parked(self) -> None:
        self._dirty.give_back(self._parked.take())

    def _release_owed(self) -> None:
        if self._owed_since is not None:
            self._dirty.add(b"", since=self._owed_since, is_subtree=True)
            self._owed_since = None
