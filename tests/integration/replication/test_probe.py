"""What the probe says of real servers in trouble, and what health makes of it."""

from __future__ import annotations

import signal
import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymysql
import pytest

from failover.errors import DatabaseError
from failover.model.codes import Code
from failover.replication.client import ConnectError, Connection, Target, connect, connector
from failover.replication.health import HealthLimits, errant_transactions, judge
from failover.replication.mariadb import MariaDb
from failover.replication.model import ServerStatus, Verdict
from failover.replication.probe import probe
from tests.integration.replication.conftest import (
    ADMIN,
    ADMIN_PASSWORD,
    CLOCK,
    LIMITS,
    REPLICATION_PASSWORD,
    MariaDbServer,
    Pair,
    until,
)

pytestmark = pytest.mark.integration


def codes(primary: ServerStatus, standby: ServerStatus) -> set[Code]:
    return {finding.code for finding in judge(primary, standby, {"127.0.0.1"}, HealthLimits())}


def test_a_healthy_pair_is_ok(pair: Pair) -> None:
    standby, primary = pair.standby.probe(), pair.primary.probe()

    assert (primary.verdict, standby.verdict) == (Verdict.UP, Verdict.UP)
    assert (primary.is_replica, standby.is_replica) == (False, True)
    assert standby.applied_position == primary.binlog_position
    assert codes(primary, standby) == {Code.REPLICATION_OK}


def test_a_stopped_process_is_frozen_within_the_limit(pair: Pair) -> None:
    pair.primary.signal(signal.SIGSTOP)
    started = CLOCK.monotonic()
    try:
        status = pair.primary.probe()
    finally:
        took = CLOCK.monotonic() - started
        pair.primary.signal(signal.SIGCONT)

    assert status.verdict is Verdict.FROZEN
    assert took < LIMITS.connect_seconds + 0.5
    assert status.is_read_only is None


def test_a_process_stopped_amid_a_session_is_frozen_too(pair: Pair) -> None:
    session = connect(pair.primary.target, LIMITS)
    pair.primary.signal(signal.SIGSTOP)
    try:
        status = probe(lambda statement_seconds=None: session, MariaDb())
    finally:
        pair.primary.signal(signal.SIGCONT)

    assert status.verdict is Verdict.FROZEN


def test_a_full_server_is_up_full_from_the_last_place_and_from_outside(pair: Pair) -> None:
    sessions = _take_every_place(pair.primary)
    try:
        inside = pair.primary.probe()
        sessions.append(until(lambda: _try_connect(pair.primary), "the probe's own place being free again"))
        outside = until(lambda: _full(pair.primary), "the last place being taken")
    finally:
        for session in sessions:
            session.close()

    assert inside.verdict is Verdict.UP_FULL
    assert inside.is_read_only is False
    assert outside.detail is not None
    assert outside.connections is None
    assert codes(inside, pair.standby.probe()) == {Code.DATABASE_FULL}


def test_a_dead_server_is_refused_over_both_ways(pair: Pair) -> None:
    pair.primary.kill()

    assert pair.primary.probe().verdict is Verdict.REFUSED
    target = Target(ADMIN, ADMIN_PASSWORD, host="127.0.0.1", port=pair.primary.port)
    assert probe(connector(target, LIMITS), MariaDb()).verdict is Verdict.REFUSED


def test_a_wrong_password_is_a_living_server(pair: Pair) -> None:
    target = Target(ADMIN, "secret-guess", socket=pair.primary.socket)

    status = probe(connector(target, LIMITS), MariaDb())

    assert (status.verdict, status.login_errno) == (Verdict.UP, 1045)
    assert "secret-guess" not in repr(status) + repr(target)
    assert Code.DATABASE_LOGIN_REFUSED in codes(status, pair.standby.probe())


def test_a_port_that_takes_connections_and_says_nothing_is_frozen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = Target(ADMIN, ADMIN_PASSWORD, host="127.0.0.1", port=listener.getsockname()[1])

        with pytest.raises(ConnectError, match="says nothing within 1 s") as caught:
            connect(target, LIMITS)

    assert caught.value.verdict is Verdict.FROZEN


def test_what_was_written_on_the_standby_alone_is_errant(pair: Pair) -> None:
    pair.standby.sql("SET GLOBAL gtid_strict_mode=OFF")
    pair.standby.sql("INSERT INTO site.ledger VALUES (99, 'errant')")
    pair.primary.sql("INSERT INTO site.ledger VALUES (3, 'hides it from the position')")
    pair.primary.sql("INSERT INTO site.ledger VALUES (4, 'and more')")
    pair.level()

    standby, primary = pair.standby.probe(), pair.primary.probe()

    assert [gtid.server_id for gtid in errant_transactions(standby, primary)] == [2]
    assert codes(primary, standby) == {Code.ERRANT_TRANSACTIONS}


def test_what_a_former_primary_wrote_is_not_errant(pair: Pair) -> None:
    old, new = pair.primary, pair.standby
    old.promotion.freeze(5)
    new.promotion.detach()
    new.promotion.open(is_event_scheduler_on=True)
    new.sql("INSERT INTO site.ledger VALUES (5, 'as the new primary')")
    old.promotion.attach(new.source, "repl 'pw", from_demotion=True)
    Pair(new, old).level()

    assert codes(new.probe(), old.probe()) == {Code.REPLICATION_OK}


def test_a_cut_source_shows_as_not_receiving_within_seconds(pair: Pair) -> None:
    pair.primary.signal(signal.SIGSTOP)
    try:
        found = until(
            lambda: Code.REPLICATION_IO_STOPPED in codes(ServerStatus(Verdict.FROZEN), pair.standby.probe()),
            "the standby noticing a silent source",
            12,
        )
    finally:
        pair.primary.signal(signal.SIGCONT)

    assert found


def test_tls_is_verified_by_the_authority(
    tmp_path: Path, servers: tuple[MariaDbServer, MariaDbServer]
) -> None:
    server = servers[0]
    _make_certificates(server.directory)
    server.kill()
    names = ("ca", "cert", "key")
    server.options = tuple(f"--ssl-{name}={server.directory / name}.pem" for name in names)
    server.start()
    other = tmp_path / "other"
    other.mkdir()
    _make_certificates(other)

    with connect(_tls_target(server, server.directory / "ca.pem"), LIMITS) as session:
        assert session.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0]["Value"]
    with pytest.raises(ConnectError, match=r"TLS: .*\(2026\)") as caught:
        connect(_tls_target(server, other / "ca.pem"), LIMITS)
    assert caught.value.verdict is Verdict.UP


def test_a_standby_replicates_over_verified_tls_and_from_nobody_else(
    tmp_path: Path, servers: tuple[MariaDbServer, MariaDbServer]
) -> None:
    primary, standby = servers
    _make_certificates(primary.directory)
    primary.kill()
    primary.options = tuple(f"--ssl-{name}={primary.directory / name}.pem" for name in ("ca", "cert", "key"))
    primary.start()
    forged = standby.directory / "forged"
    forged.mkdir(mode=0o755)
    _make_certificates(forged)
    right = replace(primary.source, certificate_authority=str(primary.directory / "ca.pem"))
    wrong = replace(primary.source, certificate_authority=str(forged / "ca.pem"))

    with pytest.raises(DatabaseError, match="error 2026"):
        standby.promotion.attach(wrong, REPLICATION_PASSWORD, from_demotion=False)
    proof = standby.promotion.attach(right, REPLICATION_PASSWORD, from_demotion=False)

    assert proof.replica.source_certificate_authority == right.certificate_authority
    assert standby.promotion.detach().removed == right


def _take_every_place(server: MariaDbServer) -> list[Any]:
    sessions: list[Any] = []
    with pytest.raises(pymysql.OperationalError, match="1040"):
        sessions.extend(iter(server.app_session, None))
    return sessions


def _tls_target(server: MariaDbServer, authority: Path) -> Target:
    return Target(
        ADMIN, ADMIN_PASSWORD, host="127.0.0.1", port=server.port, certificate_authority=str(authority)
    )


def _make_certificates(directory: Path) -> None:
    for words in (
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca",
        "req -newkey rsa:2048 -nodes -keyout key.pem -out cert.csr -subj /CN=server -addext subjectAltName=IP:127.0.0.1",
        "x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -copy_extensions copy",
    ):
        subprocess.run(
            ["openssl", *words.split()], cwd=directory, check=True, capture_output=True, timeout=30
        )
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (directory / name).chmod(0o644)


def _try_connect(server: MariaDbServer) -> Connection | None:
    try:
        return connect(server.target, LIMITS)
    except ConnectError:
        return None


def _full(server: MariaDbServer) -> ServerStatus | None:
    status = server.probe()
    return status if status.verdict is Verdict.UP_FULL and status.connections is None else None
