"""One bounded look at a server: the facts and the verdict. Never raises for what a server can do wrong."""

from __future__ import annotations

from dataclasses import replace

from failover.errors import DatabaseError
from failover.replication.client import (
    ConnectError,
    ConnectionLostError,
    Connector,
    Database,
    StatementError,
    StatementTimeoutError,
)
from failover.replication.dialect import Dialect
from failover.replication.model import ServerStatus, Verdict


def probe(connect: Connector, dialect: Dialect) -> ServerStatus:
    """What the server is like now. Every step has its limit, and the first that is over it ends the probe.

    A server that answers and does not let us in is UP with `login_errno`; whether it can write is then unknown.
    A server that is read-only by its role is UP: `is_read_only` says so.
    """
    try:
        database = connect()
    except ConnectError as error:
        login_errno = error.errno if error.verdict is Verdict.UP else None
        return ServerStatus(error.verdict, error.message, login_errno=login_errno)
    try:
        return _ask(database, dialect)
    except StatementTimeoutError as error:
        return ServerStatus(Verdict.FROZEN, error.message)
    except ConnectionLostError as error:
        return ServerStatus(Verdict.REFUSED, error.message)
    except StatementError as error:
        return ServerStatus(Verdict.UP, error.message, login_errno=error.errno)
    except DatabaseError as error:
        return ServerStatus(Verdict.UP, error.message)
    finally:
        database.close()


def _ask(database: Database, dialect: Dialect) -> ServerStatus:
    status = dialect.status(database)
    try:
        replicas = dialect.replicas(database)
    except (StatementTimeoutError, StatementError) as error:
        # Someone stopping replication holds its lock; the server itself has just answered.
        return replace(status, detail=f"its replication does not say how it is: {error.message}")
    return replace(status, is_replica=bool(replicas), replica=replicas[0] if replicas else None)
