"""Two private MariaDB servers on this machine, each with its own data, port and socket; nothing is left behind."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
import pytest

from failover.errors import DatabaseError
from failover.replication.client import Limits, Target, connect, connector
from failover.replication.mariadb import MariaDb
from failover.replication.model import ServerStatus, Source
from failover.replication.privileges import render_grants, render_replication_grants
from failover.replication.probe import probe
from failover.replication.promotion import Promotion
from failover.system.clock import SystemClock
from failover.system.deadline import poll
from failover.system.runner import LocalRunner

LIMITS = Limits(connect_seconds=1.0, statement_seconds=3.0)
ADMIN, ADMIN_PASSWORD = "failover_admin", "admin % p'w"
REPLICATION, REPLICATION_PASSWORD = "failover_repl", "repl 'pw"
CLOCK = SystemClock()

_SERVER = shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
_INSTALL = shutil.which("mariadb-install-db")
_ACCOUNTS = (
    "CREATE DATABASE site",
    "CREATE TABLE site.ledger (id INT PRIMARY KEY, note VARCHAR(40)) ENGINE=InnoDB",
    "CREATE USER 'app'@'localhost' IDENTIFIED BY 'app'",
    "GRANT ALL PRIVILEGES ON site.* TO 'app'@'localhost'",
    f"CREATE USER '{ADMIN}'@'localhost' IDENTIFIED BY 'admin % p''w'",
    *render_grants(ADMIN, "localhost"),
    f"CREATE USER '{REPLICATION}'@'127.0.0.1' IDENTIFIED BY 'repl ''pw'",
    *render_replication_grants(REPLICATION, "127.0.0.1"),
)


def until(ask: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
    """Poll with a deadline until it says something true."""
    return poll(lambda: ask() or None, clock=CLOCK, seconds=seconds, what=what, interval_seconds=0.02)


@dataclass
class MariaDbServer:
    """One server. `sql` speaks as root, for arranging and looking; the product's own account is `target`."""

    directory: Path
    number: int
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    _root: Any = None

    @property
    def socket(self) -> str:
        return str(self.directory / f"{self.number}.sock")

    @property
    def data(self) -> Path:
        return self.directory / f"data{self.number}"

    @property
    def target(self) -> Target:
        return Target(ADMIN, ADMIN_PASSWORD, socket=self.socket)

    @property
    def promotion(self) -> Promotion:
        return Promotion(connector(self.target, LIMITS), MariaDb(), CLOCK, LocalRunner())

    @property
    def source(self) -> Source:
        return Source("127.0.0.1", self.port, REPLICATION, None)

    def probe(self) -> ServerStatus:
        return probe(connector(self.target, LIMITS), MariaDb())

    def start(self) -> None:
        assert _SERVER is not None
        if not self.port:
            self.port = _free_port()
        arguments = [
            _SERVER, "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}", f"--port={self.port}",
            f"--pid-file={self.directory / f'{self.number}.pid'}", f"--log-error={self.directory / f'{self.number}.err'}",
            "--bind-address=127.0.0.1", f"--server-id={self.number}", "--log-bin=binlog", "--log-slave-updates",
            "--relay-log=relay", "--gtid-strict-mode=ON", "--read-only=ON", "--binlog-format=ROW", "--max-connections=40",
            "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--performance-schema=OFF",
            "--innodb-flush-log-at-trx-commit=2", "--skip-slave-start", "--slave-net-timeout=4", *_as_user(),
            *self.options,
        ]  # fmt: skip
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._answers, f"server {self.number} answering", 20)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.directory / f"{self.number}.err").read_text()[-2000:]
        try:
            connect(Target("root", "", socket=self.socket), LIMITS).close()
        except DatabaseError:
            return False
        return True

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self._root is not None:
            self._root.close()
            self._root = None
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def root_session(self, **options: Any) -> Any:
        return pymysql.connect(
            unix_socket=self.socket, user="root", autocommit=True, read_timeout=15, **options
        )

    def app_session(self) -> Any:
        return pymysql.connect(
            unix_socket=self.socket,
            user="app",
            password="app",
            autocommit=True,
            read_timeout=15,
            write_timeout=5,
        )

    def sql(self, statement: str, *parameters: Any) -> Any:
        """Execute as root; its rows as tuples."""
        if self._root is None:
            self._root = self.root_session()
        try:
            return _run(self._root, statement, parameters)
        except pymysql.OperationalError as error:
            if error.args[0] not in {2006, 2013}:
                raise
            self._root = self.root_session()  # a freeze ended it
            return _run(self._root, statement, parameters)
        except pymysql.InterfaceError:
            self._root = self.root_session()
            return _run(self._root, statement, parameters)

    def ids(self) -> set[int]:
        return {row[0] for row in self.sql("SELECT id FROM site.ledger")}


@dataclass
class Writer:
    """Inserts rows through the application's account as fast as it can; keeps what was acknowledged."""

    server: MariaDbServer
    first: int
    acknowledged: list[int] = field(default_factory=list)
    refused: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(20)

    def _write(self) -> None:
        session, number = None, self.first
        while not self._stop.is_set():
            try:
                session = session or self.server.app_session()
                _run(session, "INSERT INTO site.ledger VALUES (%s, 'writer')", (number,))
                self.acknowledged.append(number)
            except pymysql.MySQLError as error:
                self.refused += 1
                if error.args[0] not in {1290, 1836}:
                    if session is not None:
                        session._force_close()
                    session = None
                self._stop.wait(0.01)
            number += 1
        if session is not None:
            session.close()


@dataclass
class Pair:
    """A primary that takes writes and a standby that replicates from it."""

    primary: MariaDbServer
    standby: MariaDbServer

    def level(self) -> None:
        """Wait until the standby has applied everything."""
        wanted = self.primary.sql("SELECT @@gtid_binlog_pos")[0][0]
        until(lambda: self.standby.sql("SELECT @@gtid_slave_pos")[0][0] == wanted, "the standby being level")


def _run(session: Any, statement: str, parameters: Any) -> Any:
    with session.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall()


def _free_port() -> int:
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        return int(probe_socket.getsockname()[1])


def _as_user() -> tuple[str, ...]:
    return ("--user=mysql",) if os.geteuid() == 0 else ()


def _own(directory: Path) -> None:
    if os.geteuid() == 0:
        account = pwd.getpwnam("mysql")
        os.chown(directory, account.pw_uid, account.pw_gid)


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """A data directory with the accounts, to be copied."""
    if _SERVER is None or _INSTALL is None:
        pytest.skip("mariadbd or mariadb-install-db is not installed")
    # A short path: a Unix socket's name has at most 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="fo-db-", dir="/tmp"))
    try:
        _own(directory)
        server = MariaDbServer(directory, 9, ("--skip-log-bin", "--read-only=OFF"))
        subprocess.run(
            [_INSTALL, "--no-defaults", f"--datadir={server.data}", "--skip-test-db",
             "--auth-root-authentication-method=normal", *_as_user()],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        server.start()
        try:
            for statement in _ACCOUNTS:
                server.sql(statement)
            server.sql("SHUTDOWN")
            assert server.process is not None
            server.process.wait(20)
        finally:
            server.kill()
        yield server.data
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def servers(template: Path) -> Iterator[tuple[MariaDbServer, MariaDbServer]]:
    """Two fresh servers, both read-only as born."""
    directory = Path(tempfile.mkdtemp(prefix="fo-db-", dir="/tmp"))
    first, second = MariaDbServer(directory, 1), MariaDbServer(directory, 2)
    try:
        _own(directory)
        for server in (first, second):
            subprocess.run(["cp", "-a", template, server.data], check=True)
            server.start()
        yield first, second
    finally:
        for server in (first, second):
            server.kill()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def pair(servers: tuple[MariaDbServer, MariaDbServer]) -> Pair:
    """The two as a pair, made with the product's own orders."""
    primary, standby = servers
    standby.promotion.attach(primary.source, REPLICATION_PASSWORD, from_demotion=False)
    primary.promotion.open(is_event_scheduler_on=True)
    primary.sql("INSERT INTO site.ledger VALUES (1, 'first')")
    made = Pair(primary, standby)
    made.level()
    return made
