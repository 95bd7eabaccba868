"""What the orders hand back: what was read back after the act, never what was merely ordered. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from failover.replication.model import GtidPosition, ReplicaStatus, Source


@dataclass(frozen=True, slots=True)
class OpenProof:
    """The server takes writes: read back over a new session."""

    position: GtidPosition
    """The last transactions in its binary log at that moment."""
    is_event_scheduler_on: bool


@dataclass(frozen=True, slots=True)
class AppliedProof:
    """What was asked for is applied."""

    position: GtidPosition
    """How far it is applied, all domains."""
    seconds: float
    """How long it took."""


@dataclass(frozen=True, slots=True)
class DetachProof:
    """The server is no replica: read back over a new session."""

    removed: Source | None
    """Where it replicated from; None if it was detached already."""
    position: GtidPosition
    """How far it had applied: everything beyond this position on the old primary is not here."""
    discarded: GtidPosition | None
    """What was received and thrown away unapplied, if that was allowed and happened."""


@dataclass(frozen=True, slots=True)
class AttachProof:
    """The server replicates: both threads were seen running."""

    replica: ReplicaStatus
    was_attached: bool
    """It replicated from there already; nothing was changed."""
