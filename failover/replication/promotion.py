"""The single orders a change of roles is made of, on one local server. Each is bounded, proved, and can run twice.

A switchover puts them in order; none of them decides anything about the pair. A time-out is never taken for a failure:
the order reconnects, reads back, and judges by what it reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from failover.errors import DatabaseError, DeadlineError
from failover.replication import freeze as freezing
from failover.replication import transactions
from failover.replication.client import Connector, Database
from failover.replication.dialect import Dialect
from failover.replication.errnos import CANNOT_HEAL, why_not_applying, why_not_receiving
from failover.replication.freeze import FreezeProof
from failover.replication.model import GtidPosition, ReplicaStatus, Source, ThreadState, TransactionsAfter
from failover.replication.server import POLL_SECONDS, Server
from failover.system.clock import Clock
from failover.system.deadline import Deadline, poll
from failover.system.runner import Runner


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
        deadline = Deadline(self._clock, timeout_seconds)
        what = f"applying everything up to {position}"
        with self._server.session() as database:

            def ask() -> GtidPosition | None:
                # The threads first: what they say of an error must not be older than the position.
                replica = self._server.replica(database)
                applied = self._dialect.applied_position(database)
                if applied.contains(position):
                    return applied
                _refuse_if_stuck(replica, position)
                if deadline.is_over:
                    raise DeadlineError(
                        f"{what}: not within {timeout_seconds:g} s, {_gap(applied, position)}"
                    )
                return None

            # One question more than the limit allows, so that the message above is the one that is raised.
            applied = poll(
                ask, clock=self._clock, seconds=timeout_seconds + 1, what=what, interval_seconds=POLL_SECONDS
            )
        return AppliedProof(applied, timeout_seconds - deadline.left_seconds)

    def drain_relay_log(self, timeout_seconds: float) -> AppliedProof:
        """Wait until everything that was received is applied. Starts and stops nothing.

        Raises:
            DatabaseError: it cannot happen, and why, or the server cannot tell. DeadlineError: not in time.
        """
        deadline = Deadline(self._clock, timeout_seconds)
        what = "applying everything that was received"
        with self._server.session() as database:

            def ask() -> GtidPosition | None:
                replica = self._server.replica(database)
                if replica is None or replica.unapplied is False:
                    return self._dialect.applied_position(database)
                _refuse_if_not_applying(replica)
                if replica.unapplied is None and replica.io_running is not ThreadState.YES:
                    raise DatabaseError("the server does not tell whether all it received is applied")
                if deadline.is_over:
                    raise DeadlineError(
                        f"{what}: not within {timeout_seconds:g} s, {_gap_of(replica)}",
                        hint=_delay_hint(replica),
                    )
                return None

            applied = poll(
                ask, clock=self._clock, seconds=timeout_seconds + 1, what=what, interval_seconds=POLL_SECONDS
            )
        return AppliedProof(applied, timeout_seconds - deadline.left_seconds)

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


def _refuse_if_stuck(replica: ReplicaStatus | None, position: GtidPosition) -> None:
    if replica is None:
        raise DatabaseError(f"this server is no replica and has not applied everything up to {position}")
    _refuse_if_not_applying(replica)
    received = replica.received_position
    if replica.io_running is ThreadState.NO and (received is None or not received.contains(position)):
        raise DatabaseError(f"the standby does not receive: {why_not_receiving(replica)}")


def _refuse_if_not_applying(replica: ReplicaStatus) -> None:
    if replica.sql_running is not ThreadState.NO:
        return
    if replica.io_running is ThreadState.NO:
        hint = "do not start it while receiving is stopped too: that would drop what is not applied; save the relay log"
    else:
        hint = "cure that, then start applying alone, without stopping the receiving thread"
    raise DatabaseError(f"the standby does not apply: {why_not_applying(replica)}", hint=hint)


def _gap(applied: GtidPosition, wanted: GtidPosition) -> str:
    return f"{applied.missing_count(wanted)} transactions are missing, it is at {applied or 'nothing'}"


def _gap_of(replica: ReplicaStatus) -> str:
    if replica.received_position is None or replica.applied_position is None:
        return "some of it is left"
    return _gap(replica.applied_position, replica.received_position)


def _delay_hint(replica: ReplicaStatus) -> str | None:
    if not replica.delay_seconds:
        return None
    return f"this standby is told to apply {replica.delay_seconds:.0f} s late"
