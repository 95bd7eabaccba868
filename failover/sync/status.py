"""How a mirror is, in words that do not change. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any


class MirrorState(StrEnum):
    """What a mirror is doing. The value is what JSON and the status file have."""

    STARTING = "starting"
    WATCHING_ONLY = "watching-only"
    FULL_PASS = "full-pass"
    IN_SYNC = "in-sync"
    SENDING = "sending"
    PEER_UNREACHABLE = "peer-unreachable"
    REFUSED = "refused"
    HALTED = "halted"
    STANDBY = "standby"
    STOPPED = "stopped"

    @property
    def description(self) -> str:
        """What it means, for a person."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    MirrorState.STARTING: "sets up its watch, nothing sent yet",
    MirrorState.WATCHING_ONLY: "collects changes and sends nothing, as it was asked to",
    MirrorState.FULL_PASS: "compares everything with the standby",
    MirrorState.IN_SYNC: "has everything it saw on the standby",
    MirrorState.SENDING: "has changes on their way",
    MirrorState.PEER_UNREACHABLE: "collects changes, the standby does not answer",
    MirrorState.REFUSED: "is not let in by the standby",
    MirrorState.HALTED: "stopped itself, because going on could delete what it should not",
    MirrorState.STANDBY: "receives, and has nothing to send",
    MirrorState.STOPPED: "does not run",
}


@dataclass(frozen=True, slots=True)
class MirrorStatus:
    """One mirror at one moment. Unknown is None. Times are UTC, ISO 8601."""

    mirror: str
    state: MirrorState
    since: str
    waiting_paths: int | None = None
    oldest_age_seconds: float | None = None
    """Age of the change that has waited longest and is not on the standby; None if nothing waits or it is unknown."""
    last_checkpoint: str | None = None
    last_error: str | None = None
    degraded: str | None = None
    """What the watcher cannot see, in words."""

    @property
    def is_in_sync(self) -> bool:
        """Whether the standby has acknowledged everything the watcher has seen. An unknown is not in sync."""
        return self.state is MirrorState.IN_SYNC and self.waiting_paths == 0 and self.degraded is None

    def to_json(self) -> dict[str, Any]:
        """Its fields, and what the state means."""
        return {
            **asdict(self),
            "state": self.state.value,
            "description": self.state.description,
            "is_in_sync": self.is_in_sync,
        }


def status_from_json(value: dict[str, Any]) -> MirrorStatus:
    """What `to_json` gave, again. Keys it does not know are left out, so that versions may differ.

    Raises:
        ValueError, KeyError, TypeError: it is not a mirror's status.
    """
    known = {field.name for field in fields(MirrorStatus)}
    return MirrorStatus(
        **{name: item for name, item in value.items() if name in known}
        | {"state": MirrorState(value["state"])}
    )
