"""MariaDB's SQL, 10.6 and later: statements, and rows by column name into the model.

Rules from MariaDB's manual: "SHOW ALL SLAVES STATUS" (columns), "CHANGE MASTER TO" (MASTER_DEMOTE_TO_SLAVE from 10.10),
"SET STATEMENT" and "max_statement_time" (bounded statements), "BINLOG_GTID_POS". State texts are never read.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from failover.errors import DatabaseError
from failover.replication.client import Database, Row, StatementError, Value
from failover.replication.dialect import BinlogFile
from failover.replication.model import (
    FilePosition,
    GtidPosition,
    ReplicaStatus,
    ServerStatus,
    Session,
    Source,
    ThreadState,
    Verdict,
    parse_gtids,
)

HEARTBEAT_SECONDS = 1.0
"""How often a silent source speaks: with it a cut cable shows within seconds and not within a minute."""
RETRY_SECONDS = 1

_VERSION = re.compile(r"(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)")
_LOCK_TIMEOUT, _STATEMENT_TIMEOUT, _UNKNOWN_SESSION = 1205, 1969, 1094
_SYSTEM_COMMANDS = frozenset({"Binlog Dump", "Daemon", "Slave_IO", "Slave_SQL", "Slave_worker"})
_SYSTEM_USERS = frozenset({"system user", "event_scheduler"})
_COUNTERS = (
    "Threads_connected",
    "Rpl_semi_sync_master_status",
    "Rpl_semi_sync_master_clients",
    "Rpl_semi_sync_master_wait_sessions",
)


def parse_version(text: str) -> tuple[int, int, int]:
    """Major, minor and patch of a version or greeting such as `5.5.5-10.11.6-MariaDB-log`.

    Raises:
        DatabaseError: it does not begin with a version.
    """
    match = _VERSION.match(text)
    if match is None:
        raise DatabaseError(f"not a database version: {text[:80]!r}")
    return int(match[1]), int(match[2]), int(match[3])


class MariaDb:
    """The Dialect of MariaDB."""

    def status(self, database: Database) -> ServerStatus:
        """All facts but the replica's."""
        row = database.rows(
            "SELECT @@version AS version, @@server_id AS server_id, @@read_only AS read_only,"
            " @@innodb_read_only AS innodb_read_only, @@event_scheduler AS event_scheduler, @@log_bin AS log_bin,"
            " @@log_slave_updates AS log_slave_updates, @@gtid_binlog_pos AS gtid_binlog_pos,"
            " @@gtid_binlog_state AS gtid_binlog_state, @@gtid_slave_pos AS gtid_slave_pos,"
            " @@max_connections AS max_connections"
        )[0]
        marks = ", ".join(["%s"] * len(_COUNTERS))
        counters = {
            _text(counter, "Variable_name"): _text(counter, "Value")
            for counter in database.rows(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({marks})", _COUNTERS)
        }
        connections, limit = _whole(counters.get("Threads_connected")), _whole(row["max_connections"])
        verdict, detail = _judge(row, counters, connections, limit)
        return ServerStatus(
            verdict=verdict,
            detail=detail,
            version=_text(row, "version"),
            server_id=_whole(row["server_id"]),
            is_read_only=_is_on(row["read_only"]),
            is_event_scheduler_on=_is_on(row["event_scheduler"]),
            keeps_binlog=_is_on(row["log_bin"]),
            logs_applied=_is_on(row["log_slave_updates"]),
            binlog_position=GtidPosition.parse(_text(row, "gtid_binlog_pos")),
            binlog_state=parse_gtids(_text(row, "gtid_binlog_state")),
            applied_position=GtidPosition.parse(_text(row, "gtid_slave_pos")),
            connections=connections,
            connection_limit=limit,
        )

    def replicas(self, database: Database) -> tuple[ReplicaStatus, ...]:
        """Every replication connection, the unnamed one first."""
        rows = database.rows("SHOW ALL SLAVES STATUS")
        return tuple(sorted((replica_of(row) for row in rows), key=lambda replica: replica.channel))

    def binlog_position(self, database: Database) -> GtidPosition:
        """@@gtid_binlog_pos."""
        return GtidPosition.parse(_text(database.rows("SELECT @@gtid_binlog_pos AS position")[0], "position"))

    def applied_position(self, database: Database) -> GtidPosition:
        """@@gtid_slave_pos."""
        return GtidPosition.parse(_text(database.rows("SELECT @@gtid_slave_pos AS position")[0], "position"))

    def is_read_only(self, database: Database) -> bool:
        """Any level of read_only but OFF; 12.0 has several and answers with their names."""
        return _is_on(database.rows("SELECT @@read_only AS value")[0]["value"])

    def set_read_only(self, database: Database, value: bool, *, timeout_seconds: float) -> None:
        """SET GLOBAL read_only; it waits for statements and commits under way, and for LOCK TABLES ... WRITE."""
        word = "ON" if value else "OFF"
        database.rows(
            f"SET STATEMENT max_statement_time=%s FOR SET GLOBAL read_only={word}", (timeout_seconds,)
        )

    def is_blocked(self, error: StatementError) -> bool:
        """Errors 1205 and 1969."""
        return error.errno in {_LOCK_TIMEOUT, _STATEMENT_TIMEOUT}

    def is_event_scheduler_on(self, database: Database) -> bool | None:
        """@@event_scheduler; DISABLED, which cannot be changed while the server runs, is None."""
        value = database.rows("SELECT @@event_scheduler AS value")[0]["value"]
        return None if value == "DISABLED" else _is_on(value)

    def set_event_scheduler(self, database: Database, value: bool) -> None:
        """SET GLOBAL event_scheduler."""
        database.rows(f"SET GLOBAL event_scheduler={'ON' if value else 'OFF'}")

    def sessions(self, database: Database) -> tuple[Session, ...]:
        """The process list with the age of each session's InnoDB transaction."""
        rows = database.rows(
            "SELECT p.ID AS id, p.USER AS user, p.HOST AS host, p.DB AS db, p.COMMAND AS command, p.TIME_MS / 1000 AS seconds,"
            " LEFT(p.INFO, 120) AS info, t.seconds AS transaction_seconds FROM information_schema.PROCESSLIST p"
            " LEFT JOIN (SELECT trx_mysql_thread_id AS id, TIMESTAMPDIFF(SECOND, trx_started, SYSDATE()) AS seconds"
            " FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id > 0) t ON t.id = p.ID"
            " WHERE p.ID <> CONNECTION_ID()"
        )
        return tuple(_session_of(row) for row in rows)

    def accounts_past_read_only(self, database: Database) -> frozenset[str]:
        """Holders of READ_ONLY ADMIN; before 10.11 of SUPER too."""
        rows = database.rows(
            "SELECT GRANTEE AS grantee, PRIVILEGE_TYPE AS privilege FROM information_schema.USER_PRIVILEGES"
            " WHERE PRIVILEGE_TYPE IN ('READ_ONLY ADMIN', 'SUPER')"
            " AND GRANTEE NOT LIKE CONCAT(QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', 1)), '@%')"
        )
        is_old = parse_version(database.version) < (10, 11, 0)
        return frozenset(
            _text(row, "grantee").rpartition("@")[0].strip("'")
            for row in rows
            if is_old or row["privilege"] == "READ_ONLY ADMIN"
        )

    def disconnect(self, database: Database, session_id: int) -> None:
        """KILL CONNECTION."""
        try:
            database.rows("KILL CONNECTION %s", (session_id,))
        except StatementError as error:
            if error.errno != _UNKNOWN_SESSION:
                raise

    def point_at(self, database: Database, source: Source, password: str, *, from_demotion: bool) -> None:
        """CHANGE MASTER TO, going by gtid_slave_pos."""
        can_demote = parse_version(database.version) >= (10, 10, 0)
        if from_demotion and not can_demote:
            both = (*self.binlog_position(database).gtids, *self.applied_position(database).gtids)
            database.rows("SET GLOBAL gtid_slave_pos=%s", (str(GtidPosition.of(both)),))
        words = "MASTER_HOST=%s, MASTER_PORT=%s, MASTER_USER=%s, MASTER_PASSWORD=%s"
        values: list[Value] = [source.host, source.port, source.user, password]
        if source.certificate_authority is None:
            words += ", MASTER_SSL=0, MASTER_SSL_CA='', MASTER_SSL_VERIFY_SERVER_CERT=0"
        else:
            words += ", MASTER_SSL=1, MASTER_SSL_CA=%s, MASTER_SSL_VERIFY_SERVER_CERT=1"
            values.append(source.certificate_authority)
        words += ", MASTER_HEARTBEAT_PERIOD=%s, MASTER_CONNECT_RETRY=%s, MASTER_USE_GTID=slave_pos"
        values += [HEARTBEAT_SECONDS, RETRY_SECONDS]
        if from_demotion and can_demote:
            words += ", MASTER_DEMOTE_TO_SLAVE=1"
        database.rows(f"CHANGE MASTER TO {words}", values)

    def start_replica(self, database: Database) -> None:
        """START SLAVE. With both threads stopped it first deletes the relay log: it reads on from gtid_slave_pos."""
        database.rows("START SLAVE")

    def stop_replica(self, database: Database) -> None:
        """STOP ALL SLAVES; waits for the transaction under way."""
        database.rows("STOP ALL SLAVES")

    def stop_receiving(self, database: Database) -> None:
        """STOP SLAVE IO_THREAD on the unnamed and every named connection."""
        for row in database.rows("SHOW ALL SLAVES STATUS"):
            database.rows("STOP SLAVE %s IO_THREAD", (row["Connection_name"],))

    def forget_source(self, database: Database, channel: str) -> None:
        """RESET SLAVE ... ALL."""
        database.rows("RESET SLAVE %s ALL", (channel,))

    def binlog_files(self, database: Database) -> tuple[BinlogFile, ...]:
        """SHOW BINARY LOGS, in the directory of @@log_bin_basename."""
        base = database.rows("SELECT @@log_bin_basename AS base")[0]["base"]
        if not base:
            return ()
        directory = PurePosixPath(str(base)).parent
        files = []
        for row in database.rows("SHOW BINARY LOGS"):
            name = _text(row, "Log_name")
            start = database.rows("SELECT BINLOG_GTID_POS(%s, 4) AS position", (name,))[0]["position"]
            files.append(
                BinlogFile(
                    path=str(directory / name),
                    size_bytes=_whole(row["File_size"]) or 0,
                    starts_after=None if start is None else GtidPosition.parse(str(start)),
                )
            )
        return tuple(files)

    def decode_command(
        self, database: Database, files: tuple[BinlogFile, ...], after: GtidPosition, until: GtidPosition
    ) -> tuple[str, ...]:
        """mariadb-binlog; from 10.8 it takes the limits itself and prints only what is between them."""
        words = [
            "env",
            "TZ=UTC",
            "LC_ALL=C",
            "mariadb-binlog",
            "--no-defaults",
            "--base64-output=decode-rows",
            "--verbose",
        ]
        if parse_version(database.version) >= (10, 8, 0):
            if after.gtids:
                words.append(f"--start-position={after}")
            words.append(f"--stop-position={until}")
        return (*words, *(file.path for file in files))


def replica_of(row: Row) -> ReplicaStatus:
    """One row of SHOW ALL SLAVES STATUS."""
    by_gtid = row["Using_Gtid"] != "No"
    received = GtidPosition.parse(_text(row, "Gtid_IO_Pos")) if by_gtid else None
    applied = GtidPosition.parse(_text(row, "Gtid_Slave_Pos"))
    read = _place(row, "Master_Log_File", "Read_Master_Log_Pos")
    done = _place(row, "Relay_Master_Log_File", "Exec_Master_Log_Pos")
    return ReplicaStatus(
        source_host=_text(row, "Master_Host") or None,
        source_port=_whole(row["Master_Port"]),
        source_user=_text(row, "Master_User") or None,
        source_certificate_authority=_text(row, "Master_SSL_CA_File") or None,
        source_server_id=_whole(row["Master_Server_Id"]) or None,
        channel=_text(row, "Connection_name"),
        io_running=_thread(row["Slave_IO_Running"]),
        sql_running=_thread(row["Slave_SQL_Running"]),
        io_errno=_whole(row["Last_IO_Errno"]) or None,
        io_error=_text(row, "Last_IO_Error") or None,
        sql_errno=_whole(row["Last_SQL_Errno"]) or None,
        sql_error=_text(row, "Last_SQL_Error") or None,
        received_position=received,
        applied_position=applied,
        seconds_behind=None if row["Seconds_Behind_Master"] is None else float(row["Seconds_Behind_Master"]),
        read_file_position=read,
        applied_file_position=done,
        delay_seconds=float(row["SQL_Delay"] or 0),
        unapplied=_is_unapplied(received, applied, read, done),
    )


def _is_unapplied(
    received: GtidPosition | None, applied: GtidPosition, read: FilePosition | None, done: FilePosition | None
) -> bool | None:
    """Ids decide where there are any: file places also differ by events that are no transactions, and by a
    transaction received in part, which can never be applied. After a restart of the server the received id is
    empty although a relay log may lie on its disk; then only the places tell.
    """
    if received is not None and received.gtids:
        return not applied.contains(received)
    if read is None:
        return False  # nothing was ever received
    return None if done is None else read != done


def _judge(
    row: Row, counters: dict[str, str], connections: int | None, limit: int | None
) -> tuple[Verdict, str | None]:
    if _is_on(row["innodb_read_only"]):
        return Verdict.UP_CANNOT_WRITE, "its storage engine was started read-only"
    # Administrators get one place above the limit; being over it means we sit there.
    if connections is not None and limit is not None and connections > limit:
        return Verdict.UP_FULL, f"all {limit} connections are taken"
    waiting = _whole(counters.get("Rpl_semi_sync_master_wait_sessions")) or 0
    is_alone = _whole(counters.get("Rpl_semi_sync_master_clients")) == 0
    if _is_on(counters.get("Rpl_semi_sync_master_status")) and is_alone and waiting:
        return Verdict.BLOCKED_ON_ACK, f"{waiting} commits wait for a standby's acknowledgement"
    return Verdict.UP, None


def _session_of(row: Row) -> Session:
    command, user = _text(row, "command"), _text(row, "user")
    seconds, age = row["seconds"], row["transaction_seconds"]
    return Session(
        id=int(row["id"] or 0),
        user=user,
        host=_text(row, "host").rpartition(":")[0] or _text(row, "host") or None,
        database=_text(row, "db") or None,
        seconds=None if seconds is None else float(seconds),
        statement=_text(row, "info") or None,
        is_system=command in _SYSTEM_COMMANDS or user in _SYSTEM_USERS,
        is_dying=command == "Killed",
        transaction_seconds=None if age is None else float(age),
    )


def _thread(value: Value) -> ThreadState:
    match value:
        case "Yes":
            return ThreadState.YES
        case "No":
            return ThreadState.NO
        case "Connecting" | "Preparing":
            return ThreadState.CONNECTING
        case _:
            raise DatabaseError(f"not a replication thread's state: {value!r}")


def _place(row: Row, file: str, offset: str) -> FilePosition | None:
    name = _text(row, file)
    return FilePosition(name, _whole(row[offset]) or 0) if name else None


def _is_on(value: Value) -> bool:
    return value not in {None, 0, "0", "OFF", "DISABLED"}


def _whole(value: Value) -> int | None:
    return None if value is None or value == "" else int(value)


def _text(row: Row, column: str) -> str:
    value = row[column]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
