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

ACCOUNT_SCHEMA = "mysql"
"""Read to know which accounts may write on a read-only server."""

# SHOW GRANTS prints the older names of these.
_SAME = {"SLAVE MONITOR": "REPLICA MONITOR", "REPLICATION REPLICA ADMIN": "REPLICATION SLAVE ADMIN"}
_ALL = frozenset({"ALL PRIVILEGES", "ALL"})
_GRANT = re.compile(r"GRANT (?P<privileges>.+?) ON (?P<object>\S+) TO ", re.IGNORECASE)


def render_grants(user: str, host: str) -> tuple[str, ...]:
    """The statements that give failover's account its privileges; the names are quoted."""
    account = _account(user, host)
    return (
        _global(ADMIN_PRIVILEGES, account),
        f"GRANT SELECT ON `{ACCOUNT_SCHEMA}`.* TO {account}",
        f"GRANT ALL PRIVILEGES ON `{OWN_SCHEMA}`.* TO {account}",
    )


def render_replication_grants(user: str, host: str) -> tuple[str, ...]:
    """The statements for the account a standby replicates with; the names are quoted."""
    return (_global(REPLICATION_PRIVILEGES, _account(user, host)),)


def missing_privileges(show_grants_rows: Iterable[str]) -> tuple[str, ...]:
    """What failover's account lacks, sorted, by the rows of SHOW GRANTS of its own session."""
    held: dict[str, set[str]] = {}
    for row in show_grants_rows:
        if (match := _GRANT.match(row)) is not None:
            names = {name.strip().upper() for name in match["privileges"].split(",")}
            held.setdefault(match["object"].replace("`", ""), set()).update(
                _SAME.get(name, name) for name in names
            )
    everywhere = held.get("*.*", set())
    if everywhere & _ALL:
        return ()
    missing = sorted(set(ADMIN_PRIVILEGES) - everywhere)
    if not {"SELECT", *_ALL} & (everywhere | held.get(f"{ACCOUNT_SCHEMA}.*", set())):
        missing.append(f"SELECT ON {ACCOUNT_SCHEMA}.*")
    if not _ALL & held.get(f"{OWN_SCHEMA}.*", set()):
        missing.append(f"ALL PRIVILEGES ON {OWN_SCHEMA}.*")
    return tuple(missing)


def _global(privileges: Iterable[str], account: str) -> str:
    return f"GRANT {', '.join(sorted(privileges))} ON *.* TO {account}"


def _account(user: str, host: str) -> str:
    return "@".join("'" + name.replace("\\", "\\\\").replace("'", "''") + "'" for name in (user, host))
