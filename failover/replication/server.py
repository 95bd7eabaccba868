"""One database server to give orders to: sessions with a limit, and the rule "after a time-out, read back"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from failover.errors import DatabaseError, DeadlineError
from failover.replication.client import (
    ConnectionLostError,
    Connector,
    Database,
    StatementTimeoutError,
)
from failover.replication.dialect import Dialect
from failover.replication.model import ReplicaStatus
from failover.system.clock import Clock
from failover.system.deadline import Deadline, poll

Answer = TypeVar("Answer")

POLL_SECONDS = 0.02


class Server:
    """The server that orders go to, with its dialect and a clock."""

    def __init__(self, connect: Connector, dialect: Dialect, clock: Clock) -> None:
        self.connect = connect
        self.dialect = dialect
        self.clock = clock

    @contextmanager
    def session(self, statement_seconds: float | None = None) -> Iterator[Database]:
        """A new session for a few statements.

        Raises:
            ConnectError: none could be opened.
        """
        database = self.connect(statement_seconds)
        try:
            yield database
        finally:
            database.close()

    def ask(self, question: Callable[[Database], Answer]) -> Answer:
        """The answer to one question, over a new session."""
        with self.session() as database:
            return question(database)

    def order(
        self,
        act: Callable[[Database], None],
        *,
        is_done: Callable[[Database], bool],
        deadline: Deadline,
        what: str,
    ) -> None:
        """Give an order and prove it, over a new session, whatever became of the answer.

        If no answer comes in time, the statement is ended at the server before the proof is read: what still waits in
        a queue could come true after it.

        Raises:
            DeadlineError: `is_done` did not become true in time. StatementError: the server refused the order.
        """
        lost: int | None = None
        with self.session(max(0.1, deadline.left_seconds)) as database:
            try:
                act(database)
            except (StatementTimeoutError, ConnectionLostError):
                lost = database.session_id
        with self.session() as database:
            if lost is not None:
                self.dialect.disconnect(database, lost)

            def proved() -> bool | None:
                return is_done(database) or None

            # A moment is left for the proof even if the order took all the time: it may well be done.
            seconds = max(0.2, deadline.left_seconds)
            poll(proved, clock=self.clock, seconds=seconds, what=what, interval_seconds=POLL_SECONDS)

    def replica(self, database: Database) -> ReplicaStatus | None:
        """The one replication channel; None if it is not a replica.

        Raises:
            DatabaseError: it has several: no order could mean all of them.
        """
        replicas = self.dialect.replicas(database)
        if len(replicas) > 1:
            names = ", ".join(repr(replica.channel) for replica in replicas)
            raise DatabaseError(
                f"this server replicates over {len(replicas)} channels ({names}), a pair has one",
                hint="remove the channels that do not belong to the pair",
            )
        return replicas[0] if replicas else None


def remaining(deadline: Deadline, what: str) -> float:
    """What is left of a deadline, seconds.

    Raises:
        DeadlineError: nothing is.
    """
    if deadline.is_over:
        raise DeadlineError(f"{what}: not within {deadline.seconds:g} s")
    return deadline.left_seconds
