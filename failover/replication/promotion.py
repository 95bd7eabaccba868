"""The single orders a change of roles is made of, on one local server. Each is bounded, proved, and can run twice.

A switchover puts them in order; none of them decides anything about the pair. A time-out is never taken for a failure:
the order reconnects, reads back, and judges by what it reads.
"""

from __future__ import annotations

from failover.errors import DatabaseError, DeadlineError
from failover.replication import freeze as freezing
from failover.replication import transactions, waiting
from failover.replication.client import Connector, Database
from failover.replication.dialect import Dialect
from failover.replication.errnos import CANNOT_HEAL, why_not_applying, why_not_receiving
from failover.replication.freeze import FreezeProof
from failover.replication.model import GtidPosition, ReplicaStatus, Source, ThreadState, TransactionsAfter
from failover.replication.proofs import AppliedProof, AttachProof, DetachProof, OpenProof
from failover.replication.server import POLL_SECONDS, Server
from failover.system.clock import Clock
from failover.system.deadline import Deadline, poll
from failover.system.runner import Runner


class Promotion:
    """Orders to one server. `runner` runs the program that reads the binary log, on the same host."""

    def __init__(
        self, connect: Connector, dialect: Dialect, clock: Clock, runner: Runner | None = None
    ) -> None:
        self._server = Server(connect, dialect, clock)
        self._dialect = dialect
        self._clock = clock
        self._runner = runner

    def freeze(self, timeout_seconds: float) -> FreezeProof:
        """Stop all writing and prove it; undone by `thaw`. See failover.replication.freeze.

        Raises:
            DeadlineError: not in time, naming the sessions in the way; the server was put back as it was.
            DatabaseError: refused.
        """
        return freezing.freeze(self._server, timeout_seconds)

    def thaw(self, was_event_scheduler_on: bool, timeout_seconds: float = 5.0) -> OpenProof:
        """Take writes again after a freeze.

        Raises:
            DeadlineError, DatabaseError: it does not take writes.
        """
        return self._take_writes(was_event_scheduler_on, Deadline(self._clock, timeout_seconds))

    def final_position(self, timeout_seconds: float = 5.0) -> GtidPosition:
        """The last transactions of a frozen server, seen twice unmoved.

        Raises:
            DatabaseError: it takes writes. DeadlineError: the position moves.
        """
        return poll(
            lambda: freezing.stable_position(self._server),
            clock=self._clock,
            seconds=timeout_seconds,
            what="the position of the frozen server standing still",
        )

    def wait_applied(self, position: GtidPosition, timeout_seconds: float) -> AppliedProof:
        """Wait until everything up to `position` is applied here.

        Raises:
            DatabaseError: it cannot happen: a thread is stopped, and why. DeadlineError: not in time, and how much
                is missing.
        """
        return waiting.wait_applied(self._server, position, timeout_seconds)

    def drain_relay_log(self, timeout_seconds: float) -> AppliedProof:
        """Wait until everything that was received is applied. Starts and stops nothing.

        Raises:
            DatabaseError: it cannot happen, and why, or the server cannot tell. DeadlineError: not in time.
        """
        return waiting.drain_relay_log(self._server, timeout_seconds)

    def detach(self, timeout_seconds: float = 10.0, *, discard_unapplied: bool = False) -> DetachProof:
        """Stop being a replica and forget the source. Undone by `attach` with what it returns, and the password.

        Everything received is applied first, then receiving is stopped (for good: it is never started again on a
        candidate), and what came in between is applied too.

        Raises:
            DatabaseError: something received cannot be applied, unless `discard_unapplied`. DeadlineError.
        """
        deadline = Deadline(self._clock, timeout_seconds)
        found = self._server.ask(self._server.replica)
        discarded: GtidPosition | None = None
        if found is not None:
            if not discard_unapplied:
                self.drain_relay_log(deadline.left_seconds)
            self._stop_receiving(deadline)
            if not discard_unapplied:
                self.drain_relay_log(deadline.left_seconds)
            self._stop(deadline)
            last = self._server.ask(self._server.replica)
            if last is not None and last.unapplied is not False:
                discarded = last.received_position
            self._forget(found.channel, deadline)
        return DetachProof(
            removed=None if found is None else _source_of(found),
            position=self._server.ask(self._dialect.applied_position),
            discarded=discarded,
        )

    def open(self, is_event_scheduler_on: bool, timeout_seconds: float = 5.0) -> OpenProof:
        """Take writes as the primary, and run scheduled events if they should.

        Raises:
            DatabaseError: it is still a replica, or refuses. DeadlineError: it does not take writes in time.
        """
        if (replica := self._server.ask(self._server.replica)) is not None:
            raise DatabaseError(
                f"this server still replicates from {replica.source_host}: it must not take writes",
                hint="detach it first",
            )
        return self._take_writes(is_event_scheduler_on, Deadline(self._clock, timeout_seconds))

    def attach(
        self,
        source: Source,
        password: str,
        *,
        from_demotion: bool,
        timeout_seconds: float = 10.0,
        discard_unapplied: bool = False,
    ) -> AttachProof:
        """Replicate from `source` and wait until both threads run.

        `from_demotion`: this server was the primary; what it wrote counts as applied, and if the source lacks any of
        it, the source refuses (error 1236) and nothing is lost silently.

        Raises:
            DatabaseError: it takes writes; or has something unapplied, which starting could drop (unless
                `discard_unapplied`, for a source that lives and has it all); or a thread will not run, and why.
            DeadlineError: a thread did not run in time, and why.
        """
        deadline = Deadline(self._clock, timeout_seconds)
        with self._server.session() as database:
            if not self._dialect.is_read_only(database):
                raise DatabaseError(
                    "this server takes writes: it cannot be a standby", hint="freeze it first"
                )
            found = self._server.replica(database)
        if found is not None and found.is_running and _is_same(found, source):
            return AttachProof(found, was_attached=True)
        if found is not None and not discard_unapplied and found.unapplied is not False:
            raise DatabaseError(
                f"something received from {found.source_host} is not applied yet, and starting could drop it",
                hint="apply it first, or say that the source has it all",
            )
        if found is None or not _is_same(found, source):
            self._point_at(found, source, password, from_demotion=from_demotion, deadline=deadline)
        self._server.order(
            self._dialect.start_replica,
            is_done=lambda database: self._server.replica(database) is not None,
            deadline=deadline,
            what="starting replication",
        )
        return AttachProof(self._wait_running(deadline), was_attached=False)

    def transactions_after(self, position: GtidPosition, timeout_seconds: float) -> TransactionsAfter:
        """What this server's binary log has beyond `position`, for the loss report of a returned primary.

        Raises:
            DatabaseError: its log is not kept, or no longer reaches back to `position`. ProgramError: the reading
                program failed or took too long.
        """
        if self._runner is None:
            raise DatabaseError("no way to run a program on this host was given")
        return transactions.read_after(self._server, self._runner, position, timeout_seconds)

    def _take_writes(self, is_event_scheduler_on: bool, deadline: Deadline) -> OpenProof:
        freezing.set_read_only(self._server, False, deadline)
        with self._server.session() as database:
            now = self._dialect.is_event_scheduler_on(database)
            if now is not None and now is not is_event_scheduler_on:
                self._dialect.set_event_scheduler(database, is_event_scheduler_on)
        with self._server.session() as database:
            return OpenProof(
                position=self._dialect.binlog_position(database),
                is_event_scheduler_on=bool(self._dialect.is_event_scheduler_on(database)),
            )

    def _stop_receiving(self, deadline: Deadline) -> None:
        def is_done(database: Database) -> bool:
            replica = self._server.replica(database)
            return replica is None or replica.io_running is ThreadState.NO

        self._server.order(
            self._dialect.stop_receiving, is_done=is_done, deadline=deadline, what="stopping to receive"
        )

    def _stop(self, deadline: Deadline) -> None:
        def is_done(database: Database) -> bool:
            replica = self._server.replica(database)
            return replica is None or {replica.io_running, replica.sql_running} == {ThreadState.NO}

        self._server.order(
            self._dialect.stop_replica, is_done=is_done, deadline=deadline, what="stopping replication"
        )

    def _forget(self, channel: str, deadline: Deadline) -> None:
        self._server.order(
            lambda database: self._dialect.forget_source(database, channel),
            is_done=lambda database: self._server.replica(database) is None,
            deadline=deadline,
            what="forgetting the replication source",
        )

    def _point_at(
        self,
        found: ReplicaStatus | None,
        source: Source,
        password: str,
        *,
        from_demotion: bool,
        deadline: Deadline,
    ) -> None:
        if found is not None:
            self._stop(deadline)
            self._forget(found.channel, deadline)

        def is_done(database: Database) -> bool:
            replica = self._server.replica(database)
            return replica is not None and _is_same(replica, source)

        self._server.order(
            lambda database: self._dialect.point_at(database, source, password, from_demotion=from_demotion),
            is_done=is_done,
            deadline=deadline,
            what="setting the replication source",
        )

    def _wait_running(self, deadline: Deadline) -> ReplicaStatus:
        last: list[ReplicaStatus] = []
        with self._server.session() as database:

            def ask() -> ReplicaStatus | None:
                replica = self._server.replica(database)
                if replica is None:
                    raise DatabaseError("the replication settings are gone: someone else removed them")
                last[:] = [replica]
                if replica.io_errno in CANNOT_HEAL:
                    raise DatabaseError(f"the standby cannot receive: {why_not_receiving(replica)}")
                if replica.sql_errno is not None:
                    raise DatabaseError(f"the standby cannot apply: {why_not_applying(replica)}")
                return replica if replica.is_running else None

            what = "both replication threads running"
            try:
                return poll(
                    ask,
                    clock=self._clock,
                    seconds=max(0.2, deadline.left_seconds),
                    what=what,
                    interval_seconds=POLL_SECONDS,
                )
            except DeadlineError as error:
                if not last:
                    raise
                raise DeadlineError(f"{error.message}: {why_not_receiving(last[0])}") from None


def _source_of(replica: ReplicaStatus) -> Source:
    return Source(
        host=replica.source_host or "",
        port=replica.source_port or 0,
        user=replica.source_user or "",
        certificate_authority=replica.source_certificate_authority,
    )


def _is_same(replica: ReplicaStatus, source: Source) -> bool:
    return _source_of(replica) == source
