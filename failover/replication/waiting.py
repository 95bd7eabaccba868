"""Waiting until a standby has applied something: bounded, and over at once when it cannot happen. Part of promotion."""

from __future__ import annotations

from failover.errors import DatabaseError, DeadlineError
from failover.replication.errnos import why_not_applying, why_not_receiving
from failover.replication.model import GtidPosition, ReplicaStatus, ThreadState
from failover.replication.proofs import AppliedProof
from failover.replication.server import POLL_SECONDS, Server
from failover.system.deadline import Deadline, poll


def wait_applied(server: Server, position: GtidPosition, timeout_seconds: float) -> AppliedProof:
    """See Promotion.wait_applied."""
    deadline = Deadline(server.clock, timeout_seconds)
    what = f"applying everything up to {position}"
    with server.session() as database:

        def ask() -> GtidPosition | None:
            # The threads first: what they say of an error must not be older than the position.
            replica = server.replica(database)
            applied = server.dialect.applied_position(database)
            if applied.contains(position):
                return applied
            _refuse_if_stuck(replica, position)
            if deadline.is_over:
                raise DeadlineError(f"{what}: not within {timeout_seconds:g} s, {_gap(applied, position)}")
            return None

        # One question more than the limit allows, so that the message above is the one that is raised.
        applied = poll(
            ask, clock=server.clock, seconds=timeout_seconds + 1, what=what, interval_seconds=POLL_SECONDS
        )
    return AppliedProof(applied, timeout_seconds - deadline.left_seconds)


def drain_relay_log(server: Server, timeout_seconds: float) -> AppliedProof:
    """See Promotion.drain_relay_log."""
    deadline = Deadline(server.clock, timeout_seconds)
    what = "applying everything that was received"
    with server.session() as database:

        def ask() -> GtidPosition | None:
            replica = server.replica(database)
            if replica is None or replica.unapplied is False:
                return server.dialect.applied_position(database)
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
            ask, clock=server.clock, seconds=timeout_seconds + 1, what=what, interval_seconds=POLL_SECONDS
        )
    return AppliedProof(applied, timeout_seconds - deadline.left_seconds)


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
