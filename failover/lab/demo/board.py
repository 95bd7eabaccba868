"""What the demo knows at this moment, shared by the story, the visitors' readers and the view."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from failover.lab.demo.ledger import Entry, Kind, Outcome, rates_by_node
from failover.lab.demo.pair_status import PairStatus

_WINDOW_SECONDS = 1.0
_NOTES_SHOWN = 9


@dataclass(frozen=True, slots=True)
class Note:
    """A line of the story: what happened, `seconds` since the demo began."""

    seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One look at the board."""

    seconds: float
    act: str
    status: PairStatus | None
    status_age_seconds: float | None
    rates: dict[str, float]
    """Answers a second by node over the last second; failures under ""."""
    acknowledged: dict[Kind, int]
    notes: tuple[Note, ...]


class Board:
    """Safe to write and to look at from any thread. `now` gives Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._listeners: list[Callable[[Note], None]] = []
        self._began_at = now()
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._acknowledged = dict.fromkeys(Kind, 0)
        self._act = ""
        self._notes: list[Note] = []
        self._status: PairStatus | None = None
        self._status_at = 0.0

    def on_note(self, tell: Callable[[Note], None]) -> None:
        """Have every line of the story told from now on, by the thread that writes it."""
        self._listeners.append(tell)

    def enter(self, entry: Entry) -> None:
        """A visitor's answer."""
        with self._lock:
            self._entries.append(entry)
            if entry.outcome is Outcome.ACKNOWLEDGED:
                self._acknowledged[entry.kind] += 1

    def entries(self) -> tuple[Entry, ...]:
        """The whole ledger so far, in the order in which it came in."""
        with self._lock:
            return tuple(self._entries)

    def begin_act(self, title: str) -> None:
        """A new act: the headline, and a line of the story."""
        with self._lock:
            self._act = title
        self.note(title)

    def note(self, text: str) -> None:
        """A line of the story, told at once."""
        note = Note(self._now() - self._began_at, text)
        with self._lock:
            self._notes.append(note)
        for tell in self._listeners:
            tell(note)

    def see(self, status: PairStatus) -> None:
        """What `failover status` just said."""
        with self._lock:
            self._status, self._status_at = status, self._now()

    def status_since(self, moment: float) -> PairStatus | None:
        """The newest status if it came in after `moment` (Unix seconds)."""
        with self._lock:
            return self._status if self._status_at > moment else None

    def scene(self) -> Scene:
        """One look."""
        now = self._now()
        with self._lock:
            # A visitor needs 2 s at most for an answer, so the last few thousand hold the whole window.
            recent = self._entries[-2000:]
            return Scene(
                seconds=now - self._began_at,
                act=self._act,
                status=self._status,
                status_age_seconds=None if self._status is None else now - self._status_at,
                rates=rates_by_node(recent, now=now, window_seconds=_WINDOW_SECONDS),
                acknowledged=dict(self._acknowledged),
                notes=tuple(self._notes[-_NOTES_SHOWN:]),
            )
