from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from failover.errors import DatabaseError
from failover.replication.client import StatementError, Value
from failover.replication.mariadb import MariaDb, parse_version, replica_of
from failover.replication.model import FilePosition, GtidPosition, Source, ThreadState
from tests.fakes.database import FakeServer

CASES = Path(__file__).parents[2] / "cases" / "replication"
YES, NO, CONNECTING = ThreadState.YES, ThreadState.NO, ThreadState.CONNECTING


def row(case: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CASES / f"mariadb-10.11-{case}.json").read_text())
    return loaded


@pytest.mark.parametrize(
    ("case", "io", "sql", "io_errno", "sql_errno", "seconds", "unapplied"),
    [
        ("configured-never-started", NO, NO, None, None, None, False),
        ("running", YES, YES, None, None, 0.0, False),
        ("applying-stopped-by-hand", YES, NO, None, None, None, True),
        ("both-stopped-with-unapplied", NO, NO, None, None, None, True),
        ("receiving-refused-1045", CONNECTING, YES, 1045, None, None, False),
        ("connecting-2003", CONNECTING, YES, 2003, None, None, False),
        ("receiving-fatal-1236", NO, YES, 1236, None, None, False),
        ("applying-broken-1062", YES, NO, None, 1062, None, True),
    ],
)
def test_real_rows_are_understood(
    case: str,
    io: ThreadState,
    sql: ThreadState,
    io_errno: int | None,
    sql_errno: int | None,
    seconds: float | None,
    unapplied: bool,
) -> None:
    replica = replica_of(row(case))

    assert (replica.io_running, replica.sql_running) == (io, sql)
    assert (replica.io_errno, replica.sql_errno) == (io_errno, sql_errno)
    assert (replica.io_error is None) == (io_errno is None)
    assert (replica.sql_error is None) == (sql_errno is None)
    assert replica.seconds_behind == seconds
    assert replica.unapplied is unapplied
    assert replica.source_host == "127.0.0.1"
    assert replica.channel == ""


def test_positions_of_a_broken_standby() -> None:
    replica = replica_of(row("applying-broken-1062"))

    assert replica.received_position == GtidPosition.parse("0-1-24")
    assert replica.applied_position == GtidPosition.parse("0-1-20")
    assert replica.read_file_position == FilePosition("log.000003", 886)
    assert replica.applied_file_position == FilePosition("log.000002", 3698)


@pytest.mark.parametrize(
    ("change", "unapplied"),
    [
        ({"Gtid_IO_Pos": ""}, True),  # after a restart: only the file places know
        ({"Gtid_IO_Pos": "", "Relay_Master_Log_File": ""}, None),
        ({"Gtid_IO_Pos": "", "Master_Log_File": ""}, False),
        ({"Using_Gtid": "No"}, True),
        ({"Gtid_IO_Pos": "0-1-20"}, False),  # a tail received in part is no transaction
    ],
)
def test_what_decides_whether_something_is_unapplied(change: dict[str, str], unapplied: bool | None) -> None:
    assert replica_of(row("applying-broken-1062") | change).unapplied is unapplied


def test_a_thread_state_that_is_not_known_is_refused() -> None:
    with pytest.raises(DatabaseError, match="thread's state"):
        replica_of(row("running") | {"Slave_IO_Running": "Perhaps"})


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("5.5.5-10.11.19-MariaDB-0+deb12u1-log", (10, 11, 19)),
        ("10.6.4-MariaDB", (10, 6, 4)),
        ("11.8.6-MariaDB-ubu2404", (11, 8, 6)),
    ],
)
def test_versions(text: str, version: tuple[int, int, int]) -> None:
    assert parse_version(text) == version


def test_a_demoted_primary_joins_by_the_option_where_there_is_one() -> None:
    server = FakeServer({"CHANGE MASTER TO": []})

    MariaDb().point_at(server.connect(), Source("10.0.0.2", 3306, "r", None), "p", from_demotion=True)

    [(statement, values)] = server.said
    assert "MASTER_DEMOTE_TO_SLAVE=1" in statement
    assert "10.0.0.2" not in statement
    assert values[:4] == ("10.0.0.2", 3306, "r", "p")


def test_a_demoted_primary_before_10_10_joins_by_both_its_positions() -> None:
    server = FakeServer(
        {
            "CHANGE MASTER TO": [],
            "SET GLOBAL gtid_slave_pos": [],
            "SELECT @@gtid_binlog_pos": [{"position": "0-1-42"}],
            "SELECT @@gtid_slave_pos": [{"position": "0-2-30,1-2-5"}],
        },
        version="5.5.5-10.6.4-MariaDB",
    )

    MariaDb().point_at(server.connect(), Source("10.0.0.2", 3306, "r", "/ca.pem"), "p", from_demotion=True)

    assert ("SET GLOBAL gtid_slave_pos=%s", ("0-1-42,1-2-5",)) in server.said
    assert "DEMOTE" not in server.statements[-1]
    assert "MASTER_SSL_VERIFY_SERVER_CERT=1" in server.statements[-1]


@pytest.mark.parametrize(
    ("value", "expected"), [(0, False), (1, True), ("OFF", False), ("ON", True), ("NO_LOCK_NO_ADMIN", True)]
)
def test_read_only_is_a_number_or_a_name(value: int | str, expected: bool) -> None:
    server = FakeServer({"SELECT @@read_only": [{"value": value}]})

    assert MariaDb().is_read_only(server.connect()) is expected


def test_a_session_that_has_ended_already_is_fine() -> None:
    server = FakeServer({"KILL": StatementError("unknown", 1094)})

    MariaDb().disconnect(server.connect(), 7)

    assert server.said == [("KILL CONNECTION %s", (7,))]


def _session(**values: Value) -> dict[str, Value]:
    return {
        "id": 1,
        "host": "localhost",
        "db": None,
        "seconds": 1.5,
        "info": None,
        "transaction_seconds": None,
        **values,
    }


def test_sessions_of_the_server_itself_are_told_apart() -> None:
    rows: list[dict[str, Value]] = [
        _session(user="app", command="Sleep", host="10.0.0.9:4711"),
        _session(user="system user", command="Slave_SQL"),
        _session(user="failover_repl", command="Binlog Dump"),
        _session(user="app", command="Killed"),
    ]
    server = FakeServer({"SELECT p.ID": rows})

    sessions = MariaDb().sessions(server.connect())

    assert [session.is_system for session in sessions] == [False, True, True, False]
    assert [session.is_dying for session in sessions] == [False, False, False, True]
    assert sessions[0].host == "10.0.0.9"
