"""What a replication error number means to the person who has to act. Pure.

From MariaDB's and MySQL's manuals, "Error Codes" and "Replication and Binary Log" chapters.
"""

from __future__ import annotations

from failover.replication.model import ReplicaStatus

_MEANINGS = {
    1032: "a row to change is not there: the data differ from the primary's",
    1040: "the primary's connection limit is reached",
    1045: "the primary refuses the replication account: wrong password, or not allowed from this host",
    1062: "a row to insert is there already: something else wrote on this server",
    1130: "the primary takes no connections from this host",
    1146: "a table is missing here: the data differ from the primary's",
    1205: "applying waited too long for a lock that a session here holds",
    1213: "applying met a deadlock with a session here",
    1227: "the replication account lacks the right to replicate",
    1236: "the primary does not have the next transaction: its log is purged, or this server wrote what it never had",
    1290: "this server refuses the write",
    1593: "both servers have the same server id, or their settings do not fit together",
    1594: "the relay log is damaged",
    1595: "the relay log cannot be written: is the disk full?",
    1872: "the replication settings on this server cannot be read",
    1950: "a transaction's number is out of order: something else wrote on this server",
    2002: "nothing answers at the primary's address",
    2003: "nothing answers at the primary's address and port",
    2005: "the primary's name cannot be resolved",
    2006: "the primary closed the connection",
    2013: "the connection to the primary broke",
    2026: "the encrypted connection to the primary failed: certificate or CA",
}

CANNOT_HEAL = frozenset({1045, 1130, 1227, 1236, 1593, 2026})
"""Receiving errors that waiting does not cure."""


def explain_errno(errno: int | None) -> str:
    """What an error number means, in a few words."""
    if errno is None:
        return "it was stopped without an error"
    return _MEANINGS.get(errno, "see the database server's error log")


def why_not_receiving(replica: ReplicaStatus) -> str:
    """Why a standby does not receive: the number, its meaning, the server's own words."""
    return _why(replica.io_errno, replica.io_error)


def why_not_applying(replica: ReplicaStatus) -> str:
    """Why a standby does not apply: the number, its meaning, the server's own words."""
    return _why(replica.sql_errno, replica.sql_error)


def _why(errno: int | None, said: str | None) -> str:
    if errno is None:
        return explain_errno(errno)
    return f"error {errno}, {explain_errno(errno)}" + (f" ({said})" if said else "")
