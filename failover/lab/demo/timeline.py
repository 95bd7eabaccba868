"""When what happened, in seconds from the command. Made of a switchover's own events and the visitors' ledger; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DATABASE_WRITABLE = "promote-database"
DNS_MOVED = "move-dns"
DNS_AGREED = "verify-dns"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, `seconds` after the command was typed (before it: negative)."""

    seconds: float
    what: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class StepEvent:
    """A line that a command printed while it ran, and when it was read (Unix seconds)."""

    at: float
    data: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What kind of line it is: step, finished, ..."""
        return str(self.data.get("event", ""))

    @property
    def step(self) -> str:
        """The step it is about, or nothing."""
        return str(self.data.get("step") or "")

    @property
    def state(self) -> str:
        """Where that step stands: started, done, failed, ..."""
        return str(self.data.get("state") or "")

    @property
    def is_worth_telling(self) -> bool:
        """Whether it says how something went, not that it begins."""
        return self.name == "finished" or (self.name == "step" and self.state != "started")

    def sentence(self) -> str:
        """One line for a person."""
        if self.name == "finished":
            return f"finished: {self.data.get('outcome', 'unknown')}"
        seconds = self.data.get("seconds")
        took = f" ({seconds:.2f} s)" if isinstance(seconds, int | float) else ""
        said = self.data.get("error")
        return f"{self.step or self.name}: {self.state}{took}" + (f": {_message(said)}" if said else "")


@dataclass(frozen=True, slots=True)
class CommandRun:
    """A command as the demo saw it: typed at `began_at`, ended at `ended_at` (Unix seconds) with `status`."""

    argv: tuple[str, ...]
    began_at: float
    ended_at: float
    status: int
    events: tuple[StepEvent, ...]
    said: str = ""
    """The last lines it wrote to stderr."""

    def seconds_to(self, step: str) -> float | None:
        """From the command to the end of a step, or None: it never ended well."""
        times = (event.at for event in self.events if event.step == step and event.state == "done")
        at = min(times, default=None)
        return None if at is None else at - self.began_at

    @property
    def outcome(self) -> str | None:
        """What its last line says, or None if it came to no last line."""
        finished = self._finished()
        return None if finished is None else str(finished.get("outcome"))

    @property
    def write_block_seconds(self) -> float | None:
        """How long it says that nobody could write, or None."""
        value = (self._finished() or {}).get("write_block_seconds")
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    @property
    def is_done(self) -> bool:
        """Whether it did all that it was asked to, by its exit status and by its own last line."""
        return self.status == 0 and self.outcome == "done"

    def _finished(self) -> Mapping[str, Any] | None:
        return next((event.data for event in self.events if event.name == "finished"), None)


def timeline(run: CommandRun, *, others: Iterable[tuple[float | None, str, str]] = ()) -> tuple[Moment, ...]:
    """What happened around a command, in order: its steps as they ended, and other moments (Unix seconds, what, who).

    An other moment that never came (None) is left out.
    """
    moments = [Moment(0.0, f"$ {' '.join(run.argv)}", "operator")]
    moments += [
        Moment(event.at - run.began_at, event.sentence(), "failover")
        for event in run.events
        if event.is_worth_telling
    ]
    moments += [Moment(at - run.began_at, what, who) for at, what, who in others if at is not None]
    return tuple(sorted(moments, key=lambda moment: moment.seconds))


def _message(error: Any) -> str:
    return str(error.get("message", error)) if isinstance(error, Mapping) else str(error)
