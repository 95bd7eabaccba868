"""What the accounts may do, exactly, and why. Pure: the grants to give, and which of them are missing.

From MariaDB's manual, "GRANT" (global privileges): REPLICA MONITOR since 10.5.9, READ_ONLY ADMIN no longer part of
SUPER since 10.11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ADMIN_PRIVILEGES = {
    "BINLOG MONITOR": "positions and names of the binary log",
    "CONNECTION ADMIN": "log in when the server is full; end sessions of others",
    "PROCESS": "see the sessions of others and their transactions",
    "READ_ONLY ADMIN": "refuse writes and take them again",
    "RELOAD": "forget a replication source",
    "REPLICA MONITOR": "state of replication",
    "REPLICATION SLAVE ADMIN": "start, stop and set replication",
    "SUPER": "switch scheduled events off and on; there is no smaller privilege for it",
}
"""Global privileges of failover's own account, each with what it is needed for."""

REPLICATION_PRIVILEGES = {"REPLICATION SLAVE": "receive the binary log"}
"""Global privileges of the account a standby replicates with."""

OWN_SCHEMA = "failover"
"""The schema that is failover's own (heartbeat)."""

# SHOW GRANTS prints the older names of these.
_SAME = {"SLAVE MONITOR": "REPLICA MONITOR", "REPLICATION REPLICA ADMIN": "REPLICATION SLAVE ADMIN"}
_GRANT = re.compile(r"GRANT (?P<privileges>.+?) ON (?P<object>\S+) TO ", re.IGNORECASE)


def render_grants(user: str, host: str) -> tuple[str, ...]:
    """The statements that give failover's account its privileges; the names are quoted."""
    account = _account(user, host)
    return (_global(ADMIN_PRIVILEGES, account), f"GRANT ALL PRIVILEGES ON `{OWN_SCHEMA}`.* TO {account}")


def render_replication_grants(user: str, host: str) -> tuple[str, ...]:
    """The statements for the account a standby replicates with; the names are quoted."""
    return (_global(REPLICATION_PRIVILEGES, _account(user, host)),)


def missing_privileges(show_grants_rows: Iterable[str]) -> tuple[str, ...]:
    """What failover's account lacks, sorted, by the rows of SHOW GRANTS of its own session."""
    held: set[str] = set()
    owns_schema = False
    for row in show_grants_rows:
        match = _GRANT.match(row)
        if match is None:
            continue
        names = {name.strip().upper() for name in match["privileges"].split(",")}
        is_all = bool(names & {"ALL PRIVILEGES", "ALL"})
        if match["object"] == "*.*":
            held |= set(ADMIN_PRIVILEGES) if is_all else {_SAME.get(name, name) for name in names}
            owns_schema |= is_all
        elif match["object"].strip().replace("`", "") == f"{OWN_SCHEMA}.*":
            owns_schema |= is_all
    missing = sorted(set(ADMIN_PRIVILEGES) - held)
    return (*missing, *(() if owns_schema else (f"ALL PRIVILEGES ON {OWN_SCHEMA}.*",)))


def _global(privileges: Iterable[str], account: str) -> str:
    return f"GRANT {', '.join(sorted(privileges))} ON *.* TO {account}"


def _account(user: str, host: str) -> str:
    return "@".join("'" + name.replace("\\", "\\\\").replace("'", "''") + "'" for name in (user, host))
