"""What can be asked of a node and ordered of it: the one list that both ends of the wire share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from failover.model.role import NodeState
from failover.replication.model import ServerStatus
from failover.sync.checkpoint import Checkpoint
from failover.sync.status import MirrorStatus

JournalLine = dict[str, Any]
"""One line of the journal as JSON; `failover.switchover.journal` knows what is in it."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node says of itself. `state` is None when it was never told its role; `now` is its clock, ISO, UTC."""

    node: str
    version: str
    boot_id: str
    now: str
    state: NodeState | None
    mirrors: tuple[MirrorStatus, ...] | None
    """None when its sync daemon does not answer: nobody knows, which is not the same as none."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it is on a node; `modified_ns` is its mtime. The path is relative to the mirror's root and may hold
    any byte (surrogateescape).
    """

    path: str
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Frozen:
    """A server that refuses writes, proved: the position of its last transaction, how many sessions were ended."""

    position: str
    sessions_ended: int
    was_event_scheduler_on: bool
    """What `thaw_database` and `promote_database` need to leave scheduled events as they were."""


@dataclass(frozen=True, slots=True)
class LostTransaction:
    """A transaction that only the old primary has. `time` is ISO, UTC, by that server; statements are for reading."""

    gtid: str
    time: str | None
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LostTransactions:
    """What a server has beyond a position. `is_truncated`: there is more than the list shows."""

    transactions: tuple[LostTransaction, ...]
    is_truncated: bool


class NodeOrders(Protocol):
    """The orders. All arguments are keywords, plain values go in and frozen values come out, so that they travel.

    Every order may be given twice. Every wait is bounded by `timeout_seconds`. All raise FailoverError.
    """

    def describe(self) -> NodeFacts:
        """Who it is, what role it holds, how its mirrors are."""
        ...

    def reach_peer(self, *, timeout_seconds: float) -> tuple[str, ...]:
        """Which of the other node's servers (`ssh`, `database`) take a connection from here: a second witness."""
        ...

    def take_lock(self, *, owner: str) -> str | None:
        """Take the node's switchover lock for as long as this session lasts; None, or who holds it."""
        ...

    def write_state(self, *, state: NodeState) -> None:
        """Store role and epoch durably and make the mirror act on it; refuses an epoch lower than its own."""
        ...

    def append_journal(self, *, operation: str, line: JournalLine) -> None:
        """Add a line to the journal of an operation, durably."""
        ...

    def read_journal(self, *, kind: str | None) -> tuple[JournalLine, ...]:
        """The journal of the newest operation (of that kind); empty if there is none."""
        ...

    def run_hooks(self, *, phase: str, epoch: int, timeout_seconds: float) -> tuple[str, ...]:
        """Run the executables of a phase in the order of their names; the names that ran."""
        ...

    def probe_database(self, *, timeout_seconds: float) -> ServerStatus:
        """How its database server is."""
        ...

    def freeze_database(self, *, timeout_seconds: float) -> Frozen:
        """Make the server refuse every write and prove it; its final position."""
        ...

    def thaw_database(self, *, with_events: bool) -> None:
        """Give the server its writes back, and its scheduled events if it had them."""
        ...

    def wait_applied(self, *, position: str, timeout_seconds: float) -> None:
        """Wait until this standby has applied everything up to `position`."""
        ...

    def drain_relay_log(self, *, timeout_seconds: float) -> str:
        """Wait until this standby has applied all that it has received; the position reached."""
        ...

    def promote_database(self, *, with_events: bool, timeout_seconds: float) -> str:
        """Detach from the old primary and open for writes; the position at which it took over."""
        ...

    def attach_database(self, *, source: str, timeout_seconds: float) -> None:
        """Make this server replicate from node `source`, read-only; returns when both threads run."""
        ...

    def transactions_after(self, *, position: str, timeout_seconds: float) -> LostTransactions:
        """What this server's own binary logs hold beyond a position."""
        ...

    def drain_mirrors(self, *, timeout_seconds: float) -> tuple[Checkpoint, ...]:
        """Wait until the standby has every change made before this call, durably."""
        ...

    def stop_mirrors(self) -> None:
        """Push nothing any more until `refresh_mirrors` or a change of role."""
        ...

    def refresh_mirrors(self) -> None:
        """Make the sync daemon read role and epoch again and act on them."""
        ...

    def announced(self, *, mirror: str) -> tuple[str, ...]:
        """Paths that the primary announced to this standby and that have not arrived; a directory ends with /."""
        ...

    def last_checkpoint(self, *, mirror: str) -> Checkpoint | None:
        """Up to when this standby has everything."""
        ...

    def changed_files(
        self, *, mirror: str, since: str | None, timeout_seconds: float
    ) -> tuple[FileRecord, ...]:
        """Files changed on this node since a moment (ISO, UTC), or all of them."""
        ...

    def stat_files(
        self, *, mirror: str, paths: tuple[str, ...], timeout_seconds: float
    ) -> tuple[FileRecord, ...]:
        """Those of the paths that exist on this node."""
        ...
