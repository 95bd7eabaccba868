"""What is known of a database server: verdicts, positions, the state of replication. Pure; unknown is None."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from failover.errors import DatabaseError

_GTID = re.compile(r"(\d{1,10})-(\d{1,10})-(\d{1,20})")


class Verdict(StrEnum):
    """How a server answers. Never a boolean: a full, a frozen and a dead server need different acts."""

    UP = "up"
    UP_CANNOT_WRITE = "up-cannot-write"
    """It answers, and its storage takes no writes. A server that is read-only by its role is UP."""
    UP_FULL = "up-full"
    """Its connection limit is reached: alive, and of no use to its clients."""
    BLOCKED_ON_ACK = "blocked-on-ack"
    """Commits wait for a standby that does not acknowledge them."""
    FROZEN = "frozen"
    """The kernel takes the connection, the server says nothing within the limit."""
    REFUSED = "refused"
    """Nothing listens there, and the host says so."""
    UNREACHABLE = "unreachable"
    """No answer from the host."""

    @property
    def answers(self) -> bool:
        """Whether the server itself spoke: evidence that it lives."""
        return self in {Verdict.UP, Verdict.UP_CANNOT_WRITE, Verdict.UP_FULL, Verdict.BLOCKED_ON_ACK}


@dataclass(frozen=True, slots=True, order=True)
class Gtid:
    """One transaction: domain, the server it was written on, its number in the domain. Written `0-1-42`."""

    domain: int
    server_id: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.domain}-{self.server_id}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The transaction written as `0-1-42`.

        Raises:
            DatabaseError: it is not one.
        """
        match = _GTID.fullmatch(text.strip())
        if match is None:
            raise DatabaseError(f"not a transaction's id: {text.strip()[:80]!r}")
        return cls(*(int(part) for part in match.groups()))


def parse_gtids(text: str) -> tuple[Gtid, ...]:
    """The transactions of a comma-separated list, sorted; a domain may occur once for each server.

    Raises:
        DatabaseError: a part of it is not a transaction's id.
    """
    return tuple(sorted(Gtid.parse(part) for part in text.split(",") if part.strip()))


@dataclass(frozen=True, slots=True)
class GtidPosition:
    """How far a server is: the last transaction of each domain, sorted by domain. Empty: nothing yet.

    In a domain, numbers only grow, so a position stands for everything up to it.
    """

    gtids: tuple[Gtid, ...] = ()

    def __post_init__(self) -> None:
        domains = [gtid.domain for gtid in self.gtids]
        if domains != sorted(set(domains)):
            raise DatabaseError(f"not a position, a domain occurs twice: {self}")

    def __str__(self) -> str:
        return ",".join(map(str, self.gtids))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The position written as `0-1-42,1-1-7`; the empty text is the empty position.

        Raises:
            DatabaseError: it is not one, or names a domain twice.
        """
        return cls(parse_gtids(text))

    @classmethod
    def of(cls, gtids: Iterable[Gtid]) -> Self:
        """The position that covers all these: the highest number of each domain."""
        highest: dict[int, Gtid] = {}
        for gtid in gtids:
            if gtid.domain not in highest or gtid.sequence > highest[gtid.domain].sequence:
                highest[gtid.domain] = gtid
        return cls(tuple(highest[domain] for domain in sorted(highest)))

    def last(self, domain: int) -> Gtid | None:
        """The last transaction of a domain; None if it has none of it."""
        return next((gtid for gtid in self.gtids if gtid.domain == domain), None)

    def includes(self, gtid: Gtid) -> bool:
        """Whether a transaction is covered. The same number from another server is another transaction."""
        own = self.last(gtid.domain)
        if own is None:
            return False
        return own.sequence > gtid.sequence or own == gtid

    def contains(self, other: GtidPosition) -> bool:
        """Whether everything up to `other` is covered, in every domain."""
        return all(self.includes(gtid) for gtid in other.gtids)

    def missing_by_domain(self, other: GtidPosition) -> dict[int, int]:
        """How many transactions of `other` are not covered, by domain; only domains where some are.

        Numbers may have gaps where a primary is not strict, so this is the most there can be.
        """
        missing: dict[int, int] = {}
        for gtid in other.gtids:
            if not self.includes(gtid):
                own = self.last(gtid.domain)
                # Equal numbers from two servers: the histories differ in at least the last transaction.
                missing[gtid.domain] = max(1, gtid.sequence - (own.sequence if own else 0))
        return missing

    def missing_count(self, other: GtidPosition) -> int:
        """How many transactions of `other` are not covered, over all domains."""
        return sum(self.missing_by_domain(other).values())


class ThreadState(StrEnum):
    """One of a standby's two threads. Only the receiving one can be CONNECTING."""

    YES = "yes"
    NO = "no"
    CONNECTING = "connecting"


@dataclass(frozen=True, slots=True)
class FilePosition:
    """A place in the primary's binary log: file name and offset in bytes."""

    file: str
    offset: int


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """What a standby says of its replication. Errnos are None when there is no error."""

    source_host: str | None
    source_port: int | None
    source_user: str | None
    source_certificate_authority: str | None
    source_server_id: int | None
    channel: str
    """Name of the replication channel; the unnamed one is ""."""
    io_running: ThreadState
    sql_running: ThreadState
    io_errno: int | None
    io_error: str | None
    sql_errno: int | None
    sql_error: str | None
    received_position: GtidPosition | None
    """The last transactions received whole; None where replication does not go by transaction ids."""
    applied_position: GtidPosition | None
    seconds_behind: float | None
    """The server's own estimate, seconds. 0 proves nothing: it is 0 whenever all that was received is applied."""
    read_file_position: FilePosition | None
    applied_file_position: FilePosition | None
    delay_seconds: float
    """The delay this standby was told to keep."""
    unapplied: bool | None
    """Whether something received is not applied yet."""

    @property
    def is_running(self) -> bool:
        """Whether it receives and applies."""
        return self.io_running is ThreadState.YES and self.sql_running is ThreadState.YES


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One look at a server. Every field but the verdict is None where it could not be read."""

    verdict: Verdict
    detail: str | None = None
    """Why the verdict is not UP, or what could not be read, in a sentence."""
    login_errno: int | None = None
    """The server's error number if it lives and would not let us in."""
    version: str | None = None
    server_id: int | None = None
    is_read_only: bool | None = None
    is_event_scheduler_on: bool | None = None
    keeps_binlog: bool | None = None
    logs_applied: bool | None = None
    """Whether it writes what it applies into its own binary log: without that it cannot have a standby later."""
    binlog_position: GtidPosition | None = None
    binlog_state: tuple[Gtid, ...] | None = None
    """The last transaction of each domain *and* server in its binary log."""
    applied_position: GtidPosition | None = None
    """What it has applied as a standby, kept after it was promoted."""
    connections: int | None = None
    connection_limit: int | None = None
    is_replica: bool | None = None
    replica: ReplicaStatus | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One connection of a client to a server."""

    id: int
    user: str
    host: str | None
    database: str | None
    seconds: float | None
    """How long it has been in its present state."""
    statement: str | None
    """What it executes now, shortened; None if it executes nothing."""
    is_system: bool
    """A thread of the server itself, or one that feeds a standby: never disconnected."""
    is_dying: bool
    """It was disconnected already and is rolling back."""
    transaction_seconds: float | None = None
    """How long its transaction has been open; None if none is known."""

    def __str__(self) -> str:
        doing = self.statement or "nothing now"
        age = (
            "" if self.transaction_seconds is None else f", transaction open {self.transaction_seconds:.0f} s"
        )
        seconds = "" if self.seconds is None else f" for {self.seconds:.0f} s"
        return f"session {self.id} of {self.user}@{self.host or '?'} ({doing}{seconds}{age})"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a standby replicates from, without the password."""

    host: str
    port: int
    user: str
    certificate_authority: str | None
    """Path of the CA that signed the source's certificate; None: no TLS."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction as the binary log has it."""

    gtid: Gtid
    timestamp: str | None
    """When it was written, ISO 8601, UTC, whole seconds, by that server's clock."""
    statements: tuple[str, ...]
    """What it did, as text for a person: statements, or rows with their values by column number."""


@dataclass(frozen=True, slots=True)
class TransactionsAfter:
    """What a server has beyond a position."""

    transactions: tuple[Transaction, ...]
    expected_count: int
    """How many there can be at most, by their numbers."""
    is_truncated: bool
    """Whether the list stops short of the end, or of a transaction's statements."""
