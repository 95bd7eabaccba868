"""Changes of roles on real servers: what goes well, what is undone, what is finished later."""

from __future__ import annotations

import signal
import time

import pytest

from failover.errors import ExitStatus
from failover.lab.host import Host
from failover.system.clock import SystemClock
from failover.system.deadline import poll
from tests.integration.pair.operator import Operator

pytestmark = pytest.mark.integration

HOOK = "/etc/failover/hooks/leave-primary/10-test"


def until(condition: object, what: str) -> None:
    assert callable(condition)
    poll(lambda: True if condition() else None, clock=SystemClock(), seconds=30, what=what)


def files(host: Host) -> bytes:
    return host.run(("ls", "/var/www/site/uploads"), timeout_seconds=5).stdout


def test_a_dry_run_prints_the_plan_and_changes_nothing(operator: Operator) -> None:
    before = operator.status()
    said = operator.failover("switchover", "--dry-run")
    after = operator.status()

    assert "point of no return" in said.stdout
    assert "undo: make the database" in said.stdout
    assert (before["primary"], before["epoch"]) == (after["primary"], after["epoch"])


def test_the_plan_that_was_looked_at_is_carried_out_whole(operator: Operator) -> None:
    old, new = operator.primary, operator.standby
    operator.comment(old, "before-planned")
    operator.upload(old, "before-planned.txt", b"hello")
    checksum = operator.run("switchover", "--dry-run", "--json").events[0]["checksum"]
    said = operator.failover("switchover", "--plan", checksum, "--yes", "--json")
    told = operator.status()

    assert said.outcome == "done"
    assert said.events[-1]["write_block_seconds"] > 0
    assert told["primary"] == new.name
    assert operator.address() == operator.address(server="10.77.0.54") == new.address
    assert operator.is_read_only(old)
    assert not operator.is_read_only(new)
    assert not operator.serves(old)
    assert operator.serves(new)
    assert operator.sql(new, "SELECT COUNT(*) FROM site.comments WHERE token = 'before-planned'") == "1"
    assert b"before-planned.txt" in files(new)
    # The pair works the other way round now: rows and files go from new to old.
    operator.comment(new, "after-planned")
    operator.upload(new, "after-planned.txt", b"hello")
    until(lambda: b"after-planned.txt" in files(old), "the mirror the other way round")
    until(
        lambda: operator.sql(old, "SELECT COUNT(*) FROM site.comments WHERE token = 'after-planned'") == "1",
        "a row",
    )


def test_a_switchover_from_the_node_itself(operator: Operator) -> None:
    new = operator.standby
    said = operator.run("switchover", "--yes", host=new)

    assert said.status == 0, said
    assert operator.status()["primary"] == new.name


def test_a_hook_that_fails_gives_the_primary_its_visitors_back(operator: Operator) -> None:
    old, epoch = operator.primary, operator.status()["epoch"]
    old.write(HOOK, b"#!/bin/sh\necho cannot stop cron >&2\nexit 1\n", mode=0o755)
    try:
        said = operator.run("switchover", "--yes")
    finally:
        old.run(("rm", HOOK), timeout_seconds=5)

    assert said.status == ExitStatus.FAILED
    assert "cannot stop cron" in said.stderr
    assert "undone" in said.stdout
    assert operator.serves(old)
    assert not operator.is_read_only(old)
    assert (operator.status()["primary"], operator.status()["epoch"]) == (old.name, epoch)


def test_a_lock_that_keeps_the_database_from_freezing_is_named_and_the_rest_undone(
    operator: Operator,
) -> None:
    old = operator.primary
    holder = old.popen(("mariadb", "site"), stdin=-1, stdout=-1)
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write(b"LOCK TABLES comments WRITE; SELECT 'locked';\n")
    holder.stdin.flush()
    until(
        lambda: (
            operator.sql(old, "SELECT COUNT(*) FROM information_schema.processlist WHERE db = 'site'") != "0"
        ),
        "",
    )
    settings = operator.host.read("/etc/failover/failover.yaml")
    operator.host.write("/tmp/quick.yaml", settings + b"switchover: {freeze_timeout_seconds: 2}\n")
    try:
        said = operator.run("switchover", "--yes", environment={"FAILOVER_CONFIG": "/tmp/quick.yaml"})
    finally:
        holder.kill()
        holder.communicate()

    assert said.status == ExitStatus.FAILED, said
    assert "session" in said.stderr
    assert operator.serves(old)
    assert not operator.is_read_only(old)


@pytest.mark.parametrize("way_on", ["--abort", "--resume"])
def test_a_command_killed_half_way_is_undone_or_finished_later(operator: Operator, way_on: str) -> None:
    old, new = operator.primary, operator.standby
    old.write(HOOK, b"#!/bin/sh\ntouch /run/hook-began\nsleep 4\n", mode=0o755)
    command = operator.start("switchover", "--yes")
    until(lambda: old.exists("/run/hook-began"), "the hook")
    command.send_signal(signal.SIGKILL)
    operator.host.run(
        ("pkill", "-KILL", "-f", "failover switchover"), timeout_seconds=5, accepted=frozenset({0, 1})
    )
    command.communicate()
    old.run(("rm", HOOK, "/run/hook-began"), timeout_seconds=5)
    refused = operator.run("switchover", "--yes")
    until(
        lambda: operator.run("switchover", way_on, "--yes").status != ExitStatus.LOCKED,
        "the lock of the dead session",
    )
    status = operator.status()

    assert refused.status in {ExitStatus.REFUSED, ExitStatus.LOCKED}
    assert status["primary"] == (new if way_on == "--resume" else old).name
    assert operator.serves(operator.primary)
    assert [operator.is_read_only(host) for host in (operator.primary, operator.standby)] == [False, True]


def test_dns_that_lags_has_its_own_exit_status_and_is_finished_by_resume(operator: Operator) -> None:
    new = operator.standby
    settings = operator.host.read("/etc/failover/failover.yaml").decode()
    operator.host.write(
        "/tmp/hurried.yaml", settings.replace("dns:\n", "dns:\n  agree_timeout_seconds: 3\n").encode()
    )
    with operator.lab.faults.freeze("ns2", "named"):
        said = operator.run("switchover", "--yes", environment={"FAILOVER_CONFIG": "/tmp/hurried.yaml"})
    resumed = operator.run("switchover", "--resume", "--yes")

    assert said.status == ExitStatus.DNS_PENDING, said
    assert "ns2.example.test." in said.stderr
    assert operator.status()["primary"] == new.name
    assert resumed.status == 0, resumed
    assert operator.address(server="10.77.0.54") == new.address


def test_a_dead_primary_s_losses_are_listed_row_by_row_and_file_by_file(operator: Operator) -> None:
    """The link between the nodes goes first, so that what visitors still write is really lost with the primary."""
    old, new = operator.primary, operator.standby
    stamp = str(time.time_ns())
    operator.comment(old, f"kept-{stamp}")
    operator.upload(old, f"kept-{stamp}.txt", b"hello")
    operator.until_healthy()
    with operator.lab.faults.partition(old.name, new.name):
        for number in range(5):
            operator.comment(old, f"lost-{stamp}-{number}")
            operator.upload(old, f"lost-{stamp}-{number}.txt", b"hello")
        old.power_cut()
    said = operator.run("switchover", "--primary-dead", "--yes", "--json")

    assert said.outcome == "done", said
    assert operator.serves(new)
    assert operator.address() == new.address
    assert operator.sql(new, f"SELECT COUNT(*) FROM site.comments WHERE token = 'kept-{stamp}'") == "1"

    old.boot()
    try:
        assert operator.is_read_only(old)
        assert not operator.serves(old)
        report = operator.failover("loss", "--complete", "--json").json
        told = " ".join(statement for one in report["transactions"] for statement in one["statements"])
        assert report["is_complete"]
        for number in range(5):
            assert f"lost-{stamp}-{number}" in told
            assert f"www:site/uploads/lost-{stamp}-{number}.txt" in report["files"]
        assert f"kept-{stamp}" not in told
        assert f"www:site/uploads/kept-{stamp}.txt" not in report["files"]
        assert operator.failover("loss", "--json").json == report
        # Until it rejoins it is fenced: its pushes are refused, and nobody takes it for a standby.
        assert "epoch-disagrees" in {finding["code"] for finding in operator.status()["findings"]}
        assert operator.run("switchover", "--yes").status == ExitStatus.REFUSED
    finally:
        rejoin_by_hand(operator, old, new)


def rejoin_by_hand(operator: Operator, old: Host, new: Host) -> None:
    """Make the returned node a standby again: its own rows are given up, its state is the new primary's."""
    state = new.read("/var/lib/failover/node.json").replace(
        f'"node": "{new.name}"'.encode(), f'"node": "{old.name}"'.encode()
    )
    old.write("/var/lib/failover/node.json", state)
    position = operator.sql(new, "SELECT @@gtid_binlog_pos")
    dump = new.run(("mariadb-dump", "--databases", "site", "--single-transaction"), timeout_seconds=30).stdout
    operator.sql(old, "RESET MASTER")
    old.run(("mariadb",), timeout_seconds=30, stdin=b"SET sql_log_bin=0;\n" + dump)
    operator.sql(old, f"SET GLOBAL gtid_slave_pos='{position}'")
    secret = old.read("/etc/failover/secrets/replication").decode()
    operator.sql(
        old,
        f"CHANGE MASTER TO MASTER_HOST='{new.address}', MASTER_USER='failover_repl', MASTER_PASSWORD='{secret}', "
        "MASTER_SSL=1, MASTER_SSL_CA='/etc/failover/ca.pem', MASTER_SSL_VERIFY_SERVER_CERT=1, "
        "MASTER_USE_GTID=slave_pos; START SLAVE",
    )
    for host in (old, new):
        host.run(("pkill", "-HUP", "-f", "failover sync"), timeout_seconds=5, accepted=frozenset({0, 1}))
