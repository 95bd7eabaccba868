"""What a server's binary log has beyond a position, as text for a person: the loss report of a returned primary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from failover.errors import DatabaseError
from failover.replication.dialect import BinlogFile
from failover.replication.model import Gtid, GtidPosition, Transaction, TransactionsAfter
from failover.replication.server import Server
from failover.system.runner import Command, Runner

MAX_TRANSACTIONS = 1000
"""More are counted, not listed."""
MAX_STATEMENTS = 100
"""Of one transaction."""
MAX_CHARACTERS = 2000
"""Of one statement."""

_HEADER = re.compile(
    r"#(?P<date>\d{6}) +(?P<time>\d{1,2}:\d{2}:\d{2}) server id \d+ +end_log_pos \d+(?: CRC32 0x[0-9a-f]+)?"
    r"\s+(?P<event>\S.*)"
)
_TRANSACTION = re.compile(r"GTID (\d+-\d+-\d+)\b")
_END = "/*!*/;"
_NOISE = re.compile(
    r"/\*[!M]|SET (TIMESTAMP|INSERT_ID|LAST_INSERT_ID|@@session\.|@@SESSION\.)|START TRANSACTION$|COMMIT$|ROLLBACK|DELIMITER"
)


def read_after(
    server: Server, runner: Runner, position: GtidPosition, timeout_seconds: float
) -> TransactionsAfter:
    """What the server's log has beyond `position`, at most MAX_TRANSACTIONS a domain.

    Raises:
        DatabaseError: no log is kept, or it does not reach back far enough. ProgramError: reading it failed.
    """
    with server.session() as database:
        end = server.dialect.binlog_position(database)
        missing = position.missing_by_domain(end)
        if not missing:
            return TransactionsAfter((), 0, is_truncated=False)
        after, until = _bounds(position, end, missing)
        files = _files_after(server.dialect.binlog_files(database), position)
        argv = server.dialect.decode_command(database, files, after, until)
    result = runner.run(Command(argv, timeout_seconds))
    found = tuple(
        transaction
        for transaction in parse(result.stdout.decode("utf-8", "replace").splitlines())
        if not position.includes(transaction.gtid)
    )
    expected = sum(missing.values())
    is_cut = any(count > MAX_TRANSACTIONS for count in missing.values()) or len(found) > MAX_TRANSACTIONS
    shortened = tuple(map(_shorten, found[:MAX_TRANSACTIONS]))
    return TransactionsAfter(
        shortened, expected, is_truncated=is_cut or shortened != found[:MAX_TRANSACTIONS]
    )


def parse(lines: Iterable[str]) -> Iterator[Transaction]:
    """The transactions in the text the decoding program prints, in its order."""
    gtid: Gtid | None = None
    timestamp: str | None = None
    reader = _Statements()
    for line in lines:
        header = _HEADER.fullmatch(line)
        start = None if header is None else _TRANSACTION.match(header["event"])
        if header is not None and start is not None:
            if gtid is not None:
                yield Transaction(gtid, timestamp, reader.take())
            gtid, timestamp = Gtid.parse(start[1]), _timestamp(header["date"], header["time"])
            reader = _Statements()
        elif gtid is not None:
            reader.feed(line)
    if gtid is not None:
        yield Transaction(gtid, timestamp, reader.take())


class _Statements:
    """Collects the statements of one transaction from its lines."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._rows: list[str] = []
        self._text: list[str] = []

    def feed(self, line: str) -> None:
        if line.startswith("### "):
            row = line[4:].strip()
            if row.startswith(("INSERT INTO ", "UPDATE ", "DELETE FROM ")):
                self._end_rows()
            self._rows.append(row)
            return
        self._end_rows()
        if line.startswith("#") and not self._text:
            return
        body, end, _ = line.partition(_END)
        if body or self._text:
            self._text.append(body)
        if end:
            self._end_text()

    def take(self) -> tuple[str, ...]:
        self._end_rows()
        return tuple(self._done)

    def _end_rows(self) -> None:
        if self._rows:
            self._done.append(" ".join(self._rows))
            self._rows = []

    def _end_text(self) -> None:
        text = "\n".join(self._text).strip()
        self._text = []
        if text and not _NOISE.match(text):
            self._done.append(text)


def _bounds(
    position: GtidPosition, end: GtidPosition, missing: dict[int, int]
) -> tuple[GtidPosition, GtidPosition]:
    """From where to where to read: only domains the log has, or the reading program would wait for the others."""
    after, until = [], []
    for last in end.gtids:
        known = position.last(last.domain)
        if last.domain not in missing:
            # Level in this domain: its own last transaction as both ends leaves all of it out.
            after.append(last)
            until.append(last)
            continue
        first = min(known.sequence, last.sequence - 1) if known is not None else 0
        if known is not None:
            after.append(Gtid(known.domain, known.server_id, first))
        until.append(Gtid(last.domain, last.server_id, min(last.sequence, first + MAX_TRANSACTIONS)))
    return GtidPosition(tuple(after)), GtidPosition(tuple(until))


def _files_after(files: tuple[BinlogFile, ...], position: GtidPosition) -> tuple[BinlogFile, ...]:
    if not files:
        raise DatabaseError("this server keeps no binary log: what it alone has cannot be listed")
    for number in range(len(files) - 1, -1, -1):
        start = files[number].starts_after
        if start is not None and position.contains(start):
            return files[number:]
    raise DatabaseError(
        f"the binary log does not reach back to {position or 'its beginning'}: it was purged",
        hint="compare the data of both servers instead",
    )


def _timestamp(date: str, time: str) -> str:
    moment = datetime.strptime(f"{date} {time}", "%y%m%d %H:%M:%S").replace(tzinfo=UTC)
    return moment.isoformat()


def _shorten(transaction: Transaction) -> Transaction:
    statements = tuple(text[:MAX_CHARACTERS] for text in transaction.statements[:MAX_STATEMENTS])
    return Transaction(transaction.gtid, transaction.timestamp, statements)
