"""What a node does when it is ordered to: its own disk, database server, sync daemon and hooks. Thin."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from failover import __version__
from failover.config.secrets import read_secret
from failover.config.settings import MirrorSettings, Settings
from failover.errors import DeadlineError, FailoverError, SwitchoverError
from failover.model.role import NodeState, Role
from failover.replication.client import Limits, Target, connector
from failover.replication.mariadb import MariaDb
from failover.replication.model import GtidPosition, ServerStatus, Source
from failover.replication.probe import probe
from failover.replication.promotion import Promotion
from failover.switchover.hooks import run_hooks
from failover.switchover.journal import JournalFolder
from failover.switchover.node import (
    FileRecord,
    Frozen,
    JournalLine,
    LostTransaction,
    LostTransactions,
    NodeFacts,
)
from failover.sync.agent import stop_receiving
from failover.sync.announced import newer_than, read_announced
from failover.sync.checkpoint import Checkpoint, read_checkpoint
from failover.sync.control import SyncControl
from failover.sync.rules import Excludes
from failover.sync.status import MirrorStatus
from failover.system.clock import Clock
from failover.system.deadline import Deadline
from failover.system.file_system import boot_id
from failover.system.lock import FileLock
from failover.system.node_state import read_node_state, write_node_state
from failover.system.reach import takes_connections
from failover.system.runner import Runner

_BEGINNING = "1970-01-01T00:00:00+00:00"


class LocalNode:
    """The orders of `failover.switchover.node.NodeOrders`, on this host."""

    def __init__(
        self, settings: Settings, node: str, *, clock: Clock, runner: Runner, environment: Mapping[str, str]
    ) -> None:
        self._settings = settings
        self._node = node
        self._clock = clock
        self._runner = runner
        self._environment = environment
        self._state_folder = settings.paths.state
        self._journal = JournalFolder(self._state_folder / "journal")
        self._lock = FileLock(settings.paths.runtime / "switchover.lock")
        self._is_locked = False

    # role, lock, journal

    def describe(self) -> NodeFacts:
        """Who it is, what role it holds, how its mirrors are."""
        return NodeFacts(
            node=self._node,
            version=__version__,
            boot_id=boot_id(),
            now=self._clock.now().isoformat(),
            state=read_node_state(self._state_folder),
            mirrors=self._mirrors(),
        )

    def reach_peer(self, *, timeout_seconds: float) -> tuple[str, ...]:
        """Which of the other node's servers take a connection from here."""
        peer = self._settings.nodes[self._settings.peer_of(self._node)]
        ports = {"ssh": peer.ssh_port, "database": peer.database_port}
        limit = timeout_seconds / len(ports)
        return tuple(
            name
            for name, port in ports.items()
            if takes_connections(peer.address, port, timeout_seconds=limit)
        )

    def take_lock(self, *, owner: str) -> str | None:
        """Take the lock for this session; None, or who holds it. The kernel drops it when this process ends."""
        if self._is_locked:
            return None
        holder = self._lock.acquire(f"{owner} since {self._clock.now():%Y-%m-%d %H:%M:%S} UTC")
        self._is_locked = holder is None
        return holder

    def write_state(self, *, state: NodeState) -> None:
        """Store role and epoch durably, then make the mirror act on them."""
        known = read_node_state(self._state_folder)
        if known is not None and (
            state.epoch < known.epoch or (state.epoch == known.epoch and state != known)
        ):
            raise SwitchoverError(
                f"{self._node} is in epoch {known.epoch} with primary {known.primary} already,"
                f" it does not take epoch {state.epoch} with primary {state.primary}",
                hint="somebody else changed the roles: failover status",
            )
        if known != state:
            write_node_state(self._state_folder, state)
        if state.role is Role.PRIMARY:
            # What an old primary has under way must not arrive in a tree that is about to be written to here.
            for mirror in self._settings.mirrors:
                stop_receiving(self._state_folder, mirror, clock=self._clock)
        try:
            self.refresh_mirrors()
        except FailoverError:
            # No daemon runs: it reads the state when it starts. Nothing is pushed meanwhile.
            return

    def append_journal(self, *, operation: str, line: JournalLine) -> None:
        """Add a line, durably."""
        self._journal.append(operation, line)

    def read_journal(self, *, kind: str | None) -> tuple[JournalLine, ...]:
        """The lines of the newest operation (of that kind)."""
        return self._journal.read_newest(kind)

    def run_hooks(self, *, phase: str, epoch: int, timeout_seconds: float) -> tuple[str, ...]:
        """Run the executables of a phase; the names that ran."""
        return run_hooks(
            self._settings.paths.hooks,
            phase,
            {"FAILOVER_NODE": self._node, "FAILOVER_EPOCH": str(epoch)},
            runner=self._runner,
            clock=self._clock,
            timeout_seconds=timeout_seconds,
        )

    # the database

    def probe_database(self, *, timeout_seconds: float) -> ServerStatus:
        """How its database server is; both of the probe's limits together stay within `timeout_seconds`."""
        limits = Limits(timeout_seconds / 2, timeout_seconds / 2)
        return probe(connector(self._target(), limits), MariaDb())

    def freeze_database(self, *, timeout_seconds: float) -> Frozen:
        """Make the server refuse every write and prove it."""
        proof = self._promotion().freeze(timeout_seconds)
        return Frozen(str(proof.position), len(proof.disconnected), proof.was_event_scheduler_on)

    def thaw_database(self, *, with_events: bool) -> None:
        """Give the server its writes back."""
        self._promotion().thaw(with_events)

    def wait_applied(self, *, position: str, timeout_seconds: float) -> None:
        """Wait until everything up to `position` is applied here."""
        self._promotion().wait_applied(GtidPosition.parse(position), timeout_seconds)

    def drain_relay_log(self, *, timeout_seconds: float) -> str:
        """Wait until all that was received is applied; the position reached."""
        return str(self._promotion().drain_relay_log(timeout_seconds).position)

    def promote_database(self, *, with_events: bool, timeout_seconds: float) -> str:
        """Detach and open for writes; the position at which it took over."""
        promotion = self._promotion()
        detached = promotion.detach(timeout_seconds)
        promotion.open(with_events)
        return str(detached.position)

    def attach_database(self, *, source: str, timeout_seconds: float) -> None:
        """Replicate from node `source`; returns when both threads run."""
        database, there = self._settings.database, self._settings.nodes[source]
        authority = database.certificate_authority
        self._promotion().attach(
            Source(
                there.address,
                there.database_port,
                database.replication_user,
                None if authority is None else str(authority),
            ),
            read_secret(database.replication_password, environment=self._environment).reveal(),
            from_demotion=True,
            timeout_seconds=timeout_seconds,
        )

    def transactions_after(self, *, position: str, timeout_seconds: float) -> LostTransactions:
        """What this server's own binary logs hold beyond a position."""
        found = self._promotion().transactions_after(GtidPosition.parse(position), timeout_seconds)
        return LostTransactions(
            tuple(
                LostTransaction(str(one.gtid), one.timestamp, one.statements) for one in found.transactions
            ),
            found.is_truncated,
        )

    # the mirrors

    def drain_mirrors(self, *, timeout_seconds: float) -> tuple[Checkpoint, ...]:
        """Wait until the standby has every change made before this call, durably."""
        return tuple(self._control().drain(timeout_seconds))

    def stop_mirrors(self) -> None:
        """Push nothing any more."""
        self._control().stop_pushing()

    def refresh_mirrors(self) -> None:
        """Make the sync daemon read role and epoch again."""
        self._control().refresh()

    def announced(self, *, mirror: str) -> tuple[str, ...]:
        """Paths announced to this standby that have not arrived."""
        return tuple(
            os.fsdecode(path) for path in read_announced(self._state_folder, self._mirror(mirror)[0])
        )

    def last_checkpoint(self, *, mirror: str) -> Checkpoint | None:
        """Up to when this standby has everything."""
        return read_checkpoint(self._state_folder, self._mirror(mirror)[0])

    def changed_files(
        self, *, mirror: str, since: str | None, timeout_seconds: float
    ) -> tuple[FileRecord, ...]:
        """Files and links changed here since a moment, or all of them. Directories are told by their files."""
        _, settings = self._mirror(mirror)
        moment = datetime.fromisoformat(since or _BEGINNING)
        paths = newer_than(settings.path, moment, Excludes(settings.exclude))
        deadline = Deadline(self._clock, timeout_seconds)
        return _records(settings.path, (os.fsdecode(path) for path in paths), deadline)

    def stat_files(
        self, *, mirror: str, paths: tuple[str, ...], timeout_seconds: float
    ) -> tuple[FileRecord, ...]:
        """Those of the paths that are files or links here."""
        _, settings = self._mirror(mirror)
        for path in paths:
            if path.startswith("/") or ".." in path.split("/"):
                raise FailoverError(f"{path!r} is not below the mirror")
        return _records(settings.path, paths, Deadline(self._clock, timeout_seconds))

    # how

    def _mirrors(self) -> tuple[MirrorStatus, ...] | None:
        try:
            return tuple(self._control().status())
        except FailoverError:
            return None

    def _mirror(self, name: str) -> tuple[str, MirrorSettings]:
        if name not in self._settings.mirrors:
            raise FailoverError(
                f"{self._node} has no mirror {name!r}", hint="both hosts need the same configuration"
            )
        return name, self._settings.mirrors[name]

    def _control(self) -> SyncControl:
        return SyncControl(self._settings.paths.runtime / "sync.sock")

    def _target(self) -> Target:
        database = self._settings.database
        password = read_secret(database.password, environment=self._environment)
        return Target(database.user, password.reveal(), socket=str(database.socket))

    def _promotion(self) -> Promotion:
        database = self._settings.database
        limits = Limits(database.connect_timeout_seconds, database.statement_timeout_seconds)
        return Promotion(connector(self._target(), limits), MariaDb(), self._clock, self._runner)


def _records(root: Path, paths: Iterable[str], deadline: Deadline) -> tuple[FileRecord, ...]:
    found = []
    for path in paths:
        if deadline.is_over:
            raise DeadlineError(f"looking at files below {root}: not within {deadline.seconds:g} s")
        try:
            status = os.lstat(root / path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not stat.S_ISDIR(status.st_mode):
            found.append(FileRecord(path, status.st_size, status.st_mtime_ns))
    return tuple(found)
