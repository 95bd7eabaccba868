"""Connections to a database server: always with limits on connecting, reading and writing.

Between the probe or the orders and the driver. A server that was stopped accepts connections through its kernel and
never speaks; the driver's own connection limit does not cover that, its read limit does.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

import pymysql
from pymysql.connections import Connection as DriverConnection
from pymysql.cursors import DictCursor

from failover.errors import DatabaseError, DeadlineError
from failover.replication.model import Verdict

Value = str | int | float | bytes | None
Row = Mapping[str, Value]

_SERVER_GONE = frozenset({2006, 2013})
_TLS_FAILED = 2026
_TOO_MANY_CONNECTIONS = frozenset({1040, 1203, 1226})


@dataclass(frozen=True, slots=True)
class Target:
    """A server and the account to log in with: its Unix socket, or host and port. The password is never shown."""

    user: str
    password: str = field(repr=False)
    socket: str | None = None
    host: str | None = None
    port: int = 3306
    certificate_authority: str | None = None
    """CA that the server's certificate is verified with, over TCP; None: no TLS."""

    @property
    def name(self) -> str:
        """How errors call it."""
        return self.socket if self.socket is not None else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for connecting with the handshake, and for each statement."""

    connect_seconds: float = 2.0
    statement_seconds: float = 5.0


class ConnectError(DatabaseError):
    """No session could be opened; `verdict` says what that means for the server."""

    def __init__(self, message: str, verdict: Verdict, errno: int | None = None) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.errno = errno


class StatementError(DatabaseError):
    """The server refused a statement; `errno` is its error number."""

    def __init__(self, message: str, errno: int) -> None:
        super().__init__(message)
        self.errno = errno


class StatementTimeoutError(DeadlineError):
    """No answer in time: the connection is gone and the statement may still run. Reconnect and read back."""


class ConnectionLostError(DatabaseError):
    """The server closed the connection: it ended, or somebody disconnected us."""


class Database(Protocol):
    """An open session; `tests.fakes.database.FakeDatabase` is the one for unit tests."""

    @property
    def version(self) -> str:
        """The version as the server's greeting has it, raw."""
        ...

    @property
    def session_id(self) -> int:
        """Our session's number at the server."""
        ...

    def rows(self, statement: str, parameters: Sequence[Value] = ()) -> tuple[Row, ...]:
        """Execute one statement; its rows by column name, () for a statement without.

        Raises:
            StatementError: the server refused it. StatementTimeoutError: no answer in time; the session is over.
            ConnectionLostError: the server ended the session.
        """
        ...

    def close(self) -> None:
        """End the session; never raises, never waits."""
        ...


class Connector(Protocol):
    """Whoever opens sessions on one server."""

    def __call__(self, statement_seconds: float | None = None) -> Database:
        """A new session; `statement_seconds` where one order needs another limit than usual.

        Raises:
            ConnectError: with the verdict.
        """
        ...


if TYPE_CHECKING:
    _Base = DriverConnection[DictCursor]  # generic in its stubs only
else:
    _Base = DriverConnection


class _Driver(_Base):
    """The driver's connection, whose read limit can differ between the handshake and the statements."""

    def limit_statements(self, seconds: float) -> None:
        self._read_timeout = seconds

    def greet(self, connected: socket.socket, *, is_local: bool) -> None:
        """The handshake and login over a connected socket. A local one counts as secure, as the driver has it."""
        self._secure = is_local
        self.connect(connected)


class Connection:
    """A Database over PyMySQL. Every statement commits by itself."""

    def __init__(self, driver: _Driver, target: Target) -> None:
        self._driver = driver
        self._target = target

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def version(self) -> str:
        """The version as the server's greeting has it, raw."""
        return str(self._driver.get_server_info())  # type: ignore[no-untyped-call]  # its stub has no types

    @property
    def session_id(self) -> int:
        """Our session's number at the server."""
        return int(self._driver.thread_id())  # type: ignore[no-untyped-call]  # its stub has no types

    def rows(self, statement: str, parameters: Sequence[Value] = ()) -> tuple[Row, ...]:
        """Execute one statement; see Database.rows."""
        try:
            with self._driver.cursor() as cursor:
                # No parameters: the driver then leaves a % in the statement alone.
                cursor.execute(statement, tuple(parameters) or None)
                return tuple(cursor.fetchall())
        except pymysql.MySQLError as error:
            errno, said = _error_of(error)
            if _is_timeout(error):
                raise StatementTimeoutError(f"{self._target.name}: no answer in time") from None
            if errno in _SERVER_GONE or isinstance(error, pymysql.InterfaceError):
                raise ConnectionLostError(f"{self._target.name}: the server ended the session") from None
            # The server quotes the statement near a mistake, and a statement may hold a password.
            said = "its syntax is not known there" if errno in {1064, 1149} else said
            raise StatementError(f"{self._target.name}: {said} ({errno})", errno) from None

    def close(self) -> None:
        """End the session."""
        try:
            # Not close(): that writes to a server which may be frozen, and waits for it.
            self._driver._force_close()  # type: ignore[attr-defined]  # noqa: SLF001
        except (OSError, pymysql.MySQLError):
            pass  # whatever is wrong with a session that is thrown away does not matter


def connect(target: Target, limits: Limits) -> Connection:
    """A new session on a server.

    Raises:
        ConnectError: with the verdict that follows: full, frozen, refused, unreachable; UP with an errno if
            it lives and refuses this account, or its certificate is not the CA's (2026).
    """
    by_tls = target.socket is None and target.certificate_authority is not None
    driver = _Driver(
        user=target.user,
        password=target.password.encode(),  # a str would be sent as latin-1
        unix_socket=target.socket,
        host=target.host or "localhost",
        port=target.port,
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=limits.connect_seconds,
        read_timeout=limits.connect_seconds,
        write_timeout=limits.statement_seconds,
        cursorclass=DictCursor,
        defer_connect=True,
        ssl_disabled=not by_tls,
        ssl_ca=target.certificate_authority if by_tls else None,
        ssl_verify_cert=True if by_tls else None,
        ssl_verify_identity=True if by_tls else None,
    )
    # Our own socket: "no answer from the host" and "no greeting" stay apart, and the driver would leak it on failure.
    connected = _open_socket(target, limits)
    try:
        driver.greet(connected, is_local=target.socket is not None)
    except pymysql.MySQLError as error:
        raise _refusal(target, limits, error) from None
    driver.limit_statements(limits.statement_seconds)
    return Connection(driver, target)


def connector(target: Target, limits: Limits) -> Connector:
    """The Connector of one server."""

    def open_session(statement_seconds: float | None = None) -> Connection:
        if statement_seconds is None:
            return connect(target, limits)
        return connect(target, Limits(limits.connect_seconds, statement_seconds))

    return open_session


def _open_socket(target: Target, limits: Limits) -> socket.socket:
    try:
        if target.socket is None:
            made = socket.create_connection((target.host or "localhost", target.port), limits.connect_seconds)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made
        return _open_local(target.socket, limits.connect_seconds)
    except (ConnectionRefusedError, FileNotFoundError):
        raise ConnectError(f"{target.name}: refused, nothing listens there", Verdict.REFUSED) from None
    except OSError as error:
        # On a Unix socket a full queue, of a server that accepts nothing, reads as "try again".
        is_frozen = target.socket is not None and isinstance(error, TimeoutError | BlockingIOError)
        verdict = Verdict.FROZEN if is_frozen else Verdict.UNREACHABLE
        raise ConnectError(f"{target.name}: {error.strerror or error}", verdict) from None


def _open_local(path: str, seconds: float) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(seconds)
        made.connect(path)
    except BaseException:
        made.close()
        raise
    return made


def _refusal(target: Target, limits: Limits, error: pymysql.MySQLError) -> ConnectError:
    errno, said = _error_of(error)
    cause = getattr(error, "original_exception", None)
    if errno in _TOO_MANY_CONNECTIONS:
        return ConnectError(
            f"{target.name}: its connection limit is reached ({errno})", Verdict.UP_FULL, errno
        )
    if _is_timeout(error) or isinstance(cause, TimeoutError):
        limit = f"{limits.connect_seconds:g} s"
        return ConnectError(f"{target.name}: accepts, but says nothing within {limit}", Verdict.FROZEN)
    if errno in _SERVER_GONE or isinstance(cause, ConnectionError):
        return ConnectError(f"{target.name}: closed the connection in its greeting", Verdict.REFUSED, errno)
    if isinstance(cause, ssl.SSLError):
        errno, said = _TLS_FAILED, f"TLS: {getattr(cause, 'verify_message', None) or cause.reason or cause}"
    return ConnectError(f"{target.name}: it lives, but we cannot log in: {said} ({errno})", Verdict.UP, errno)


def _is_timeout(error: pymysql.MySQLError) -> bool:
    """Whether a driver error began as a timed-out socket: it says so only by what it was raised over."""
    return isinstance(error.__context__, TimeoutError)


def _error_of(error: pymysql.MySQLError) -> tuple[int, str]:
    match error.args:
        case (int(errno), str(said), *_):
            return errno, said
        case _:
            return 0, str(error)
