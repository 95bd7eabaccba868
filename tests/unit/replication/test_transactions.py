from __future__ import annotations

import pytest

from failover.errors import DatabaseError
from failover.replication import transactions
from failover.replication.mariadb import MariaDb
from failover.replication.model import GtidPosition
from failover.replication.server import Server
from failover.replication.transactions import parse, read_after
from failover.system.runner import Command, Result
from tests.fakes.clock import FakeClock
from tests.fakes.database import FakeServer

# Printed by mariadb-binlog 3.5 of MariaDB 10.11: one transaction of rows, one of a statement, one DDL.
PRINTED = r"""
# at 256
#261122 18:09:35 server id 1  end_log_pos 299 CRC32 0x0263eebd 	Gtid list [0-1-2]
# at 3698
#261122 18:09:35 server id 1  end_log_pos 3740 CRC32 0x1b55f392 	GTID 0-1-21 trans
/*M!100101 SET @@session.skip_parallel_replication=0*//*!*/;
START TRANSACTION
/*!*/;
# at 3808
#261122 18:09:35 server id 1  end_log_pos 3808 CRC32 0x53346977 	Annotate_rows:
#Q> insert into t.x(v) values('one'),('two')
#261122 18:09:35 server id 1  end_log_pos 3852 CRC32 0xca6f7487 	Table_map: `t`.`x` mapped to number 35
# at 3852
#261122 18:09:35 server id 1  end_log_pos 3905 CRC32 0xdaba4987 	Write_rows: table id 35 flags: STMT_END_F
### INSERT INTO `t`.`x`
### SET
###   @1=13
###   @2='one'
### INSERT INTO `t`.`x`
### SET
###   @1=14
###   @2='two'
# Number of rows: 2
# at 3905
#261122 18:09:35 server id 1  end_log_pos 3936 CRC32 0x9747071f 	Xid = 240
COMMIT/*!*/;
DELIMITER ;
DELIMITER /*!*/;
# at 336
#261122  8:09:36 server id 1  end_log_pos 378 CRC32 0x96e4f6c2 	GTID 0-1-22 trans
/*M!100001 SET @@session.gtid_seq_no=22*//*!*/;
START TRANSACTION
/*!*/;
# at 378
#261122 18:09:35 server id 1  end_log_pos 410 CRC32 0x3be301db 	Intvar
SET INSERT_ID=15/*!*/;
# at 410
#261122 18:09:35 server id 1  end_log_pos 506 CRC32 0x75f47d05 	Query	thread_id=58	exec_time=0	error_code=0	xid=0
use `t`/*!*/;
SET TIMESTAMP=1795370975/*!*/;
SET @@session.sql_mode=1411383296/*!*/;
/*!\C utf8mb4 *//*!*/;
insert into x(v)
# not a comment of ours
values('stmt')
/*!*/;
# at 506
#261122 18:09:35 server id 1  end_log_pos 537 CRC32 0x1018259e 	Xid = 244
COMMIT/*!*/;
# at 574
#261122 18:09:35 server id 1  end_log_pos 616 CRC32 0x4cecc8ba 	GTID 0-1-23 ddl
/*M!100001 SET @@session.gtid_seq_no=23*//*!*/;
# at 616
#261122 18:09:35 server id 1  end_log_pos 711 CRC32 0x06363d5b 	Query	thread_id=58	exec_time=0	error_code=0	xid=245
SET TIMESTAMP=1795370975/*!*/;
create table t.y(i int)
/*!*/;
DELIMITER ;
# End of log file
ROLLBACK /* added by mysqlbinlog */;
/*!50003 SET COMPLETION_TYPE=@OLD_COMPLETION_TYPE*/;
"""


class FakeRunner:
    def __init__(self) -> None:
        self.commands: list[Command] = []

    def run(self, command: Command) -> Result:
        self.commands.append(command)
        return Result(0, PRINTED.encode(), b"")


def server(position: str, starts: dict[str, str], version: str = "10.11.19-MariaDB") -> Server:
    fake = FakeServer(
        {
            "SELECT @@gtid_binlog_pos": [{"position": position}],
            "SELECT @@log_bin_basename": [{"base": "/var/lib/mysql/binlog"}],
            "SHOW BINARY LOGS": [{"Log_name": name, "File_size": 1000} for name in starts],
            "SELECT BINLOG_GTID_POS": lambda parameters: [{"position": starts[str(parameters[0])]}],
        },
        version=version,
    )
    return Server(fake.connect, MariaDb(), FakeClock())


FILES = {"binlog.000001": "", "binlog.000002": "0-1-10", "binlog.000003": "0-1-21"}


def test_transactions_with_what_they_did() -> None:
    found = list(parse(PRINTED.splitlines()))

    assert [str(transaction.gtid) for transaction in found] == ["0-1-21", "0-1-22", "0-1-23"]
    assert found[0].statements == (
        "INSERT INTO `t`.`x` SET @1=13 @2='one'",
        "INSERT INTO `t`.`x` SET @1=14 @2='two'",
    )
    assert found[1].statements == ("use `t`", "insert into x(v)\n# not a comment of ours\nvalues('stmt')")
    assert found[2].statements == ("create table t.y(i int)",)
    assert (found[0].timestamp, found[1].timestamp) == (
        "2026-11-22T18:09:35+00:00",
        "2026-11-22T08:09:36+00:00",
    )


def test_only_the_files_that_can_hold_them_are_read() -> None:
    runner = FakeRunner()

    after = read_after(server("0-1-23", FILES), runner, GtidPosition.parse("0-1-20"), 30)

    [command] = runner.commands
    assert command.argv[-2:] == ("/var/lib/mysql/binlog.000002", "/var/lib/mysql/binlog.000003")
    assert "--start-position=0-1-20" in command.argv
    assert "--stop-position=0-1-23" in command.argv
    assert (len(after.transactions), after.expected_count, after.is_truncated) == (3, 3, False)


def test_a_server_without_positions_in_its_program_is_filtered_here() -> None:
    runner = FakeRunner()

    after = read_after(server("0-1-23", FILES, "10.6.4-MariaDB"), runner, GtidPosition.parse("0-1-22"), 30)

    assert not any("position" in word for word in runner.commands[0].argv)
    assert [str(transaction.gtid) for transaction in after.transactions] == ["0-1-23"]


def test_nothing_beyond_runs_nothing() -> None:
    runner = FakeRunner()

    assert read_after(server("0-1-23", FILES), runner, GtidPosition.parse("0-1-23"), 30).transactions == ()
    assert runner.commands == []


def test_a_domain_that_is_level_is_left_out_and_an_unknown_one_is_not_waited_for() -> None:
    runner = FakeRunner()

    read_after(server("0-1-23,1-1-5", FILES), runner, GtidPosition.parse("0-1-20,1-1-5,7-1-9"), 30)

    assert "--start-position=0-1-20,1-1-5" in runner.commands[0].argv


def test_a_purged_log_is_said() -> None:
    purged = {"binlog.000003": "0-1-21"}

    with pytest.raises(DatabaseError, match="does not reach back to 0-1-20"):
        read_after(server("0-1-23", purged), FakeRunner(), GtidPosition.parse("0-1-20"), 30)


def test_too_many_are_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MAX_TRANSACTIONS", 2)
    runner = FakeRunner()

    after = read_after(server("0-1-23", FILES), runner, GtidPosition.parse("0-1-20"), 30)

    assert "--stop-position=0-1-22" in runner.commands[0].argv
    assert (len(after.transactions), after.expected_count, after.is_truncated) == (2, 3, True)
