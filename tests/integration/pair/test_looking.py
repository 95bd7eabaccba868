"""Commands that only look, on a healthy pair and on one that is not."""

from __future__ import annotations

import re

import pytest

from tests.integration.pair.operator import Operator

pytestmark = pytest.mark.integration


def test_status_shows_roles_mirror_replication_and_dns(operator: Operator) -> None:
    primary = operator.status()["primary"]
    said = operator.failover("status")

    assert re.search(rf"^{primary} +primary +\d+ +up, writable", said.stdout, re.MULTILINE)
    assert re.search(r"^web[12] +standby +\d+ +up, read-only", said.stdout, re.MULTILINE)
    assert re.search(r"^www +in-sync +0", said.stdout, re.MULTILINE)
    assert "0 transactions behind, receiving yes, applying yes" in said.stdout
    assert re.search(
        r"^ns2\.example\.test\. .* www\.example\.test\. +A .* agrees$", said.stdout, re.MULTILINE
    )
    assert said.stdout.endswith("ok: a switchover would work now\n")
    assert "\x1b" not in said.stdout


def test_status_as_json_has_every_part_and_no_secret(operator: Operator) -> None:
    said = operator.failover("status", "--json")
    told = said.json

    assert {node["role"] for node in told["nodes"].values()} == {"primary", "standby"}
    assert told["mirrors"]["www"]["is_in_sync"] is True
    assert told["replication"]["transactions_behind"] == 0
    assert len(told["dns"]["authorities"]) == 2
    assert told["severity"] == "ok"
    for secret in ("database", "replication", "tsig"):
        assert operator.host.read(f"/etc/failover/secrets/{secret}").decode() not in said.stdout


@pytest.mark.parametrize("node", ["web1", "web2"])
def test_each_node_sees_the_same_pair_as_the_operator(operator: Operator, node: str) -> None:
    there = operator.run("status", "--json", host=operator.lab.host(node))

    assert there.status == 0, there
    assert there.json["primary"] == operator.status()["primary"]


@pytest.mark.parametrize("name", ["replication", "mirror", "dns", "readiness"])
def test_each_check_is_ok_with_one_line_in_the_plug_in_format(operator: Operator, name: str) -> None:
    said = operator.run("check", name)

    assert said.status == 0, said
    assert re.fullmatch(rf"{name.upper()} OK - [^|\n]+( \| ('[^'=]+'=\S+ ?)+)?\n", said.stdout)


def test_a_standby_that_stopped_applying_is_critical(operator: Operator) -> None:
    standby = operator.standby
    operator.sql(standby, "STOP SLAVE SQL_THREAD")
    try:
        said = operator.run("check", "replication")
        status = operator.run("status")
    finally:
        operator.sql(standby, "START SLAVE SQL_THREAD")

    assert said.status == 2
    assert said.stdout.startswith("REPLICATION CRITICAL - ")
    assert "[replication-sql-stopped]" in said.stdout
    assert status.status == 3


def test_a_frozen_database_is_told_from_a_dead_one_and_does_not_hang_the_check(operator: Operator) -> None:
    standby = operator.standby
    with operator.lab.faults.freeze(standby.name, "mariadbd"):
        said = operator.run("check", "replication")

    assert said.status == 2
    assert "[database-frozen]" in said.stdout


def test_a_node_that_does_not_answer_is_critical_and_named(operator: Operator) -> None:
    standby = operator.standby
    with operator.lab.faults.partition("operator", standby.name, how="drop"):
        said = operator.run("check", "replication")

    assert said.status == 2
    assert f"{standby.name} does not answer" in said.stdout


def test_a_stopped_sync_daemon_is_critical(operator: Operator) -> None:
    primary = operator.primary
    primary.run(("pkill", "-STOP", "-f", "failover sync"), timeout_seconds=5)
    try:
        said = operator.run("check", "mirror")
    finally:
        primary.run(("pkill", "-CONT", "-f", "failover sync"), timeout_seconds=5)

    assert said.status == 2, said
    assert "[mirror-down]" in said.stdout


def test_a_broken_configuration_is_unknown_for_a_check(operator: Operator) -> None:
    operator.host.write("/tmp/broken.yaml", b"nodes: [1")
    said = operator.run("check", "replication", environment={"FAILOVER_CONFIG": "/tmp/broken.yaml"})

    assert said.status == 3
    assert said.stdout.startswith("REPLICATION UNKNOWN - ")


def test_wait_returns_when_the_standby_has_everything(operator: Operator) -> None:
    primary, standby = operator.primary, operator.standby
    primary.write("/var/www/site/waited-for.html", b"hello")
    said = operator.run("wait", "--timeout", "30", host=primary)

    assert said.status == 0, said
    assert standby.read("/var/www/site/waited-for.html") == b"hello"


def test_wait_on_a_standby_says_that_it_has_nothing_to_send(operator: Operator) -> None:
    said = operator.run("wait", "--timeout", "5", host=operator.standby)

    assert said.status != 0
    assert "failover: " in said.stderr
