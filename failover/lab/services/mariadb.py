"""MariaDB in the hosts: where Debian has it, born read-only, as small as it gets without being another program."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping

from failover.errors import LabError
from failover.lab.host import Host
from failover.lab.host_file import HostFile, folder
from failover.lab.services.certificates import ServerCertificate
from failover.lab.services.waiting import is_listening_at, wait_until

DATA = "/var/lib/mysql"
SOCKET = "/run/mysqld/mysqld.sock"
LOG = "/var/log/mysql/error.log"
AUTHORITY = "/etc/failover/ca.pem"
PROGRAM = "mariadbd"
_TLS = "/etc/mysql/tls"
_OWNER = "mysql"
_MAIN = """\
[client-server]
socket = /run/mysqld/mysqld.sock
!includedir /etc/mysql/conf.d/
!includedir /etc/mysql/mariadb.conf.d/
"""


def configuration(server_id: int) -> str:
    """The drop-in below /etc/mysql/mariadb.conf.d/."""
    return f"""\
[mariadbd]
user = {_OWNER}
datadir = {DATA}
socket = {SOCKET}
pid_file = /run/mysqld/mysqld.pid
bind_address = 0.0.0.0
skip_name_resolve = 1
server_id = {server_id}

# Born fenced: it takes writes only after it was told to.
read_only = 1

log_bin = binlog
log_slave_updates = 1
relay_log = relay
binlog_format = ROW
gtid_domain_id = 0
gtid_strict_mode = 1
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
slave_net_timeout = 4

ssl_ca = {AUTHORITY}
ssl_cert = {_TLS}/cert.pem
ssl_key = {_TLS}/key.pem

character_set_server = utf8mb4
performance_schema = 0
innodb_buffer_pool_size = 32M
innodb_log_file_size = 8M
innodb_flush_method = fsync
innodb_use_native_aio = 0
key_buffer_size = 1M
aria_pagecache_buffer_size = 1M
"""


def files(server_id: int, certificate: ServerCertificate) -> tuple[HostFile, ...]:
    """What a server needs on disk, but for its data; the authority's certificate is the pair's to write."""
    return (
        folder("/etc/mysql/conf.d"),
        HostFile("/etc/mysql/my.cnf", _MAIN.encode()),
        HostFile("/etc/mysql/mariadb.conf.d/60-failover.cnf", configuration(server_id).encode()),
        folder(_TLS, mode=0o700, owner=_OWNER),
        HostFile(f"{_TLS}/cert.pem", certificate.certificate, owner=_OWNER),
        HostFile(f"{_TLS}/key.pem", certificate.key, mode=0o600, owner=_OWNER),
        folder(DATA, mode=0o700, owner=_OWNER),
        folder("/var/log/mysql", mode=0o750, owner=_OWNER),
    )


def install_data(first: Host, others: Iterable[Host]) -> None:
    """Make the system tables on one host and copy them to the others, before any of their servers has run.

    Raises:
        ProgramError: mariadb-install-db(1) failed.
    """
    argv = (
        "mariadb-install-db",
        f"--user={_OWNER}",
        "--skip-test-db",
        "--auth-root-authentication-method=socket",
    )
    first.run(argv, timeout_seconds=60)
    # The log and the tables of a server that never ran hold nothing that makes it this one and no other.
    data = first.run(("tar", "--create", "--sparse", "--directory", DATA, "."), timeout_seconds=60).stdout
    for host in others:
        host.run(
            ("tar", "--extract", "--preserve-permissions", "--directory", DATA),
            stdin=data,
            timeout_seconds=60,
        )


def sql(host: Host, statements: str, *, timeout_seconds: float = 20.0) -> str:
    """Run statements as the host's root, over the socket; what they said, a row a line, columns by tabs.

    Raises:
        ProgramError: one failed.
    """
    argv = ("mariadb", "--batch", "--skip-column-names")
    return host.run(argv, stdin=statements.encode(), timeout_seconds=timeout_seconds).stdout.decode()


def quote(text: str) -> str:
    """A string of SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def replicate(host: Host, *, source: Host, user: str, password: str) -> None:
    """Have a server replicate from another one, by GTID, over TLS with the other's certificate checked.

    Raises:
        ProgramError: it would not.
    """
    sql(
        host,
        f"CHANGE MASTER TO MASTER_HOST={quote(source.address)}, MASTER_PORT=3306, MASTER_USER={quote(user)}, "
        f"MASTER_PASSWORD={quote(password)}, MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, "
        f"MASTER_HEARTBEAT_PERIOD=1, MASTER_SSL=1, MASTER_SSL_CA={quote(AUTHORITY)}, "
        "MASTER_SSL_VERIFY_SERVER_CERT=1; START SLAVE;",
    )


def replication_state(host: Host) -> dict[str, str]:
    """SHOW SLAVE STATUS, by its column names; empty if it replicates from nowhere."""
    said = host.run(
        ("mariadb", "--batch", "--vertical"), stdin=b"SHOW SLAVE STATUS;", timeout_seconds=20
    ).stdout
    pairs = (line.partition(":") for line in said.decode().splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


class MariaDb:
    """mariadbd, by the name a host enables it under."""

    def start(self, host: Host, *, environment: Mapping[str, str] | None = None) -> None:
        """Start it, unless it runs."""
        if host.process_numbers(PROGRAM):
            return
        host.make_folder("/run/mysqld", owner=_OWNER)
        host.start_server((PROGRAM,), log=LOG, environment=environment)

    def ready(self, host: Host) -> None:
        """Wait until it answers. Raises LabError, or ProgramError if it says no."""
        wait_until(host, lambda: is_listening_at(host, SOCKET), "mariadbd listens", log=LOG)
        sql(host, "SELECT 1;")

    def stop(self, host: Host, *, timeout_seconds: float = 30.0) -> None:
        """Shut it down in order, and wait for its end. Nothing if it does not run.

        Raises:
            LabError: it runs on.
        """
        for number in host.process_numbers(PROGRAM):
            host.run(("kill", f"-{signal.SIGTERM.value}", str(number)), accepted=(0, 1))
        wait_until(
            host,
            lambda: not host.process_numbers(PROGRAM),
            "mariadbd stops",
            log=LOG,
            seconds=timeout_seconds,
        )


def wait_for_position(host: Host, position: str, *, timeout_seconds: float = 20.0) -> None:
    """Wait until a standby has applied everything up to a GTID position.

    Raises:
        LabError: it has not.
    """
    answer = sql(
        host,
        f"SELECT MASTER_GTID_WAIT({quote(position)}, {timeout_seconds:g});",
        timeout_seconds=timeout_seconds + 5,
    ).strip()
    if answer != "0":
        state = replication_state(host)
        raise LabError(
            f"{host.name} has not applied {position}",
            hint=state.get("Last_IO_Error") or state.get("Last_SQL_Error") or f"see {LOG} on {host.name}",
        )
