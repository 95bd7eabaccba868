"""Stop all writing on a server, and prove it; or leave it as it was. Part of promotion.

Open transactions are ended and rolled back: none of them was acknowledged. The order is what makes it safe: refuse new
writes first, then end the sessions that were open before, then look whether the position still moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from failover.errors import DatabaseError, DeadlineError, FailoverError
from failover.replication.client import ConnectionLostError, Database, StatementError, StatementTimeoutError
from failover.replication.model import GtidPosition, Session
from failover.replication.server import POLL_SECONDS, Server, remaining
from failover.system.deadline import Deadline, poll

STABLE_SECONDS = 0.1
"""How long the position must not move to count as final."""
_SHARE_FOR_WAITING = 0.6
"""Of the time limit, what waiting for statements under way may take: the rest is for ending sessions and the proof."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class FreezeProof:
    """Nothing writes on the server any more: refusal read back over a new session, position seen twice unmoved."""

    position: GtidPosition
    """The last transactions in its binary log: what the standby has to reach."""
    was_read_only: bool
    was_event_scheduler_on: bool
    """As found by this call; a second call finds what the first one left. Journal the first, or the probe's."""
    disconnected: tuple[str, ...]
    """The sessions that were ended, with what each was doing."""
    may_still_write: tuple[str, ...]
    """Accounts that could write in spite of the refusal if they connected again; none of them was connected. Programs
    must not use them: a write made after this proof is not on the standby, and shows when this server is attached.
    """
    seconds: float
    """How long it took."""


def freeze(server: Server, timeout_seconds: float) -> FreezeProof:
    """Refuse writes, stop scheduled events, end every client's session, prove that the position stands still.

    Raises:
        DeadlineError: not in time; the message names the sessions in the way. The server was put back as it was.
        DatabaseError: refused; put back as well. If putting back fails too, the message says so first.
    """
    deadline = Deadline(server.clock, timeout_seconds)
    with server.session() as database:
        was_read_only = server.dialect.is_read_only(database)
        was_on = bool(server.dialect.is_event_scheduler_on(database))
    try:
        if was_on:
            server.ask(lambda database: server.dialect.set_event_scheduler(database, False))
        _refuse_writes(server, deadline)
        ended = _end_sessions(server, deadline)
        position, more, accounts = _prove(server, deadline)
    except FailoverError as error:
        _put_back(server, error, was_read_only=was_read_only, was_on=was_on)
        raise
    return FreezeProof(
        position=position,
        was_read_only=was_read_only,
        was_event_scheduler_on=was_on,
        disconnected=(*ended, *more),
        may_still_write=tuple(sorted(accounts)),
        seconds=timeout_seconds - deadline.left_seconds,
    )


def set_read_only(server: Server, value: bool, deadline: Deadline) -> None:
    """Refuse writes or take them again, read back.

    Raises:
        DeadlineError, DatabaseError: it is not so.
    """
    word = "refuse writes" if value else "take writes again"

    def act(database: Database) -> None:
        server.dialect.set_read_only(database, value, timeout_seconds=remaining(deadline, word))

    def is_done(database: Database) -> bool:
        return server.dialect.is_read_only(database) is value

    server.order(act, is_done=is_done, deadline=deadline, what=f"the database server should {word}")


def stable_position(server: Server) -> GtidPosition | None:
    """The binary log's position if it did not move for STABLE_SECONDS while writes were refused; else None.

    Raises:
        DatabaseError: the server takes writes: no position is final.
    """
    with server.session() as database:
        if not server.dialect.is_read_only(database):
            raise DatabaseError("the server takes writes: it has no final position", hint="freeze it first")
        first = server.dialect.binlog_position(database)
        server.clock.wait(STABLE_SECONDS)
        second = server.dialect.binlog_position(database)
    return second if first == second else None


def _refuse_writes(server: Server, deadline: Deadline) -> None:
    patience = deadline.left_seconds * _SHARE_FOR_WAITING
    started = server.clock.monotonic()
    with server.session(patience + 0.5) as database:
        try:
            server.dialect.set_read_only(database, True, timeout_seconds=patience)
        except StatementError as error:
            if not server.dialect.is_blocked(error):
                raise
        except (StatementTimeoutError, ConnectionLostError):
            # While it waits in the queue it holds up every writer, and it could come true later.
            lost = database.session_id
            server.ask(lambda fresh: server.dialect.disconnect(fresh, lost))
    with server.session() as database:
        if server.dialect.is_read_only(database):
            return
        waited = server.clock.monotonic() - started
        named = _blockers(server.dialect.sessions(database), waited)
    raise DeadlineError(
        f"writes could not be stopped within {waited:.1f} s: {named}",
        hint="let it finish or end it, then try again",
    )


def _blockers(sessions: Iterable[Session], waited_seconds: float) -> str:
    """Who was in the way: busy for longer than we waited; else with an open transaction; else any of the idle."""
    clients = sorted(
        (session for session in sessions if not session.is_system),
        key=lambda session: -(session.transaction_seconds or session.seconds or 0.0),
    )
    # A session busy for a shorter time only queued up behind us.
    busy = [s for s in clients if s.statement is not None and (s.seconds or 0.0) >= waited_seconds * 0.95]
    if busy:
        return "held up by " + _names(busy)
    opened = [s for s in clients if s.transaction_seconds is not None and s.statement is None]
    if opened:
        return "probably held up by " + _names(opened)
    idle = [s for s in clients if s.statement is None]
    return (
        f"one of these holds a lock: {_names(idle)}" if idle else "no session is seen that would hold it up"
    )


def _names(sessions: list[Session]) -> str:
    rest = len(sessions) - _NAMED
    return "; ".join(map(str, sessions[:_NAMED])) + (f"; and {rest} more" if rest > 0 else "")


def _end_sessions(server: Server, deadline: Deadline) -> tuple[str, ...]:
    """End every session open now. Later ones need no ending: they find writes refused from their start."""
    with server.session() as database:
        victims = [session for session in server.dialect.sessions(database) if not session.is_system]
        for victim in victims:
            if not victim.is_dying:
                server.dialect.disconnect(database, victim.id)
        ids = {victim.id for victim in victims}
        left: list[Session] = []

        def all_gone() -> bool | None:
            left[:] = [session for session in server.dialect.sessions(database) if session.id in ids]
            return None if left else True

        what = "ending the clients' sessions"
        try:
            poll(
                all_gone,
                clock=server.clock,
                seconds=remaining(deadline, what),
                what=what,
                interval_seconds=POLL_SECONDS,
            )
        except DeadlineError as error:
            if not left:
                raise
            raise DeadlineError(f"{error.message}; still there: {_names(left)}", hint=error.hint) from None
    return tuple(map(str, victims))


def _prove(server: Server, deadline: Deadline) -> tuple[GtidPosition, tuple[str, ...], frozenset[str]]:
    """The final position; accounts that may write in spite of the refusal are disconnected again while any is there."""
    ended: list[str] = []
    accounts = server.ask(server.dialect.accounts_past_read_only)
    while True:
        position = stable_position(server)
        if position is not None and not _is_any_connected(server, accounts):
            return position, tuple(ended), accounts
        if deadline.is_over:
            with server.session() as database:
                clients = [session for session in server.dialect.sessions(database) if not session.is_system]
            raise DeadlineError(
                f"something goes on writing although writes are refused: {_names(clients) or 'no session is seen'}",
                hint="stop the programs that use an account with the right to write on a read-only server",
            )
        ended += _end_sessions(server, deadline)


def _is_any_connected(server: Server, accounts: frozenset[str]) -> bool:
    sessions = server.ask(server.dialect.sessions)
    return any(session.user in accounts and not session.is_system for session in sessions)


def _put_back(server: Server, cause: FailoverError, *, was_read_only: bool, was_on: bool) -> None:
    try:
        if not was_read_only:
            set_read_only(server, False, Deadline(server.clock, 5.0))
        if was_on:
            server.ask(lambda database: server.dialect.set_event_scheduler(database, True))
    except FailoverError as error:
        raise DatabaseError(
            f"the database server could not be made writable again: {error.message}; it was to be frozen, and: {cause.message}",
            hint="look at it now: it may refuse all writes",
        ) from cause
