"""What failover asks a database server and orders it to do, without a vendor's words. Each vendor has one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from failover.replication.client import Database, StatementError
from failover.replication.model import GtidPosition, ReplicaStatus, ServerStatus, Session, Source


@dataclass(frozen=True, slots=True)
class BinlogFile:
    """One file of a server's own binary log."""

    path: str
    size_bytes: int
    starts_after: GtidPosition | None
    """What was written before this file; None if the server cannot say."""


class Dialect(Protocol):
    """One vendor's SQL. Every method is one or a few statements on an open session and raises as `Database.rows`."""

    def status(self, database: Database) -> ServerStatus:
        """All facts but the replica's; the verdict is what the facts themselves say (UP, full, cannot write...)."""
        ...

    def replicas(self, database: Database) -> tuple[ReplicaStatus, ...]:
        """Every replication channel of this server; () if it is not a replica."""
        ...

    def binlog_position(self, database: Database) -> GtidPosition:
        """The last transaction of each domain in its own binary log."""
        ...

    def applied_position(self, database: Database) -> GtidPosition:
        """The last transaction of each domain that was applied from another server."""
        ...

    def is_read_only(self, database: Database) -> bool:
        """Whether it refuses writes of ordinary accounts."""
        ...

    def set_read_only(self, database: Database, value: bool, *, timeout_seconds: float) -> None:
        """Refuse writes or take them. A StatementError that `is_blocked` says: others held it up past the limit."""
        ...

    def is_blocked(self, error: StatementError) -> bool:
        """Whether a statement failed because it had to wait for others too long."""
        ...

    def is_event_scheduler_on(self, database: Database) -> bool | None:
        """Whether scheduled events run; None if the server cannot run any (disabled at its start)."""
        ...

    def set_event_scheduler(self, database: Database, value: bool) -> None:
        """Run scheduled events or not."""
        ...

    def sessions(self, database: Database) -> tuple[Session, ...]:
        """Every session but our own."""
        ...

    def accounts_past_read_only(self, database: Database) -> frozenset[str]:
        """User names, but our own, that may write although writes are refused."""
        ...

    def disconnect(self, database: Database, session_id: int) -> None:
        """End a session; it is fine if it has ended already."""
        ...

    def point_at(self, database: Database, source: Source, password: str, *, from_demotion: bool) -> None:
        """Set where to replicate from. `from_demotion`: what this server wrote as primary counts as applied."""
        ...

    def start_replica(self, database: Database) -> None:
        """Start receiving and applying. Never with unapplied events on a server that may be promoted."""
        ...

    def stop_replica(self, database: Database) -> None:
        """Stop receiving and applying, on every channel."""
        ...

    def stop_receiving(self, database: Database) -> None:
        """Stop receiving, on every channel; what was received is kept and goes on being applied.

        It is for good: started again, a server may drop what it has not applied.
        """
        ...

    def forget_source(self, database: Database, channel: str) -> None:
        """Remove a stopped channel with all its settings and what it received."""
        ...

    def binlog_files(self, database: Database) -> tuple[BinlogFile, ...]:
        """Its own binary log, oldest first."""
        ...

    def decode_command(
        self, database: Database, files: tuple[BinlogFile, ...], after: GtidPosition, until: GtidPosition
    ) -> tuple[str, ...]:
        """The program that prints these files as text for `transactions.parse`, from `after` (not included) to
        `until` where it can; it may print more.
        """
        ...
