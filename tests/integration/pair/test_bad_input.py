"""Each wrong input: one clear message, a hint, an exit status of its own, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from failover.errors import ExitStatus
from tests.integration.pair.operator import Operator, Said

pytestmark = pytest.mark.integration


def refused(said: Said, status: ExitStatus, *words: str) -> None:
    assert said.status == status, said
    for word in words:
        assert word in said.stderr, said
    assert "hint: " in said.stderr
    assert "Traceback" not in said.stderr


@pytest.fixture(autouse=True)
def _nothing_is_changed(operator: Operator) -> Iterator[None]:
    before = operator.status()
    yield
    operator.until_healthy()
    after = operator.status()
    assert (before["primary"], before["epoch"]) == (after["primary"], after["epoch"])
    assert operator.address() == operator.primary.address


def test_no_configuration(operator: Operator) -> None:
    said = operator.run("switchover", "--yes", "--config", "/nowhere.yaml")

    refused(said, ExitStatus.NO_CONFIGURATION, "/nowhere.yaml", "failover config generate")


def test_a_broken_configuration_lists_every_problem_with_its_line(operator: Operator) -> None:
    text = operator.host.read("/etc/failover/failover.yaml").decode()
    operator.host.write(
        "/tmp/bad.yaml", (text.replace("ttl_seconds: 2", "tll_seconds: 2") + "mirors: {}\n").encode()
    )
    said = operator.run("switchover", "--yes", "--config", "/tmp/bad.yaml")

    refused(
        said,
        ExitStatus.BAD_CONFIGURATION,
        "did you mean ttl_seconds",
        "did you mean mirrors",
        "/tmp/bad.yaml:",
    )


def test_an_unknown_node(operator: Operator) -> None:
    refused(operator.run("switchover", "--to", "web9", "--yes"), ExitStatus.UNKNOWN_NODE, "web9")


def test_the_node_that_is_primary_already(operator: Operator) -> None:
    name = operator.primary.name

    refused(
        operator.run("switchover", "--to", name, "--yes"), ExitStatus.ALREADY_PRIMARY, name, "primary already"
    )


def test_a_secret_that_others_can_read(operator: Operator) -> None:
    operator.host.run(("chmod", "644", "/etc/failover/secrets/tsig"), timeout_seconds=5)
    try:
        said = operator.run("switchover", "--yes")
    finally:
        operator.host.run(("chmod", "600", "/etc/failover/secrets/tsig"), timeout_seconds=5)

    refused(said, ExitStatus.UNREADABLE_SECRET, "/etc/failover/secrets/tsig", "chmod 0600")


def test_no_terminal_to_ask_on(operator: Operator) -> None:
    refused(operator.run("switchover"), ExitStatus.USAGE, "--yes")


def test_an_unreachable_standby(operator: Operator) -> None:
    standby = operator.standby
    with operator.lab.faults.partition("operator", standby.name, how="reject"):
        said = operator.run("switchover", "--yes")

    refused(said, ExitStatus.NODE_UNREACHABLE, standby.name, "does not answer")


def test_a_primary_that_is_not_dead(operator: Operator) -> None:
    said = operator.run("switchover", "--primary-dead", "--yes")

    refused(said, ExitStatus.REFUSED, "is alive", "primary-answers")


def test_a_primary_that_only_the_operator_cannot_reach(operator: Operator) -> None:
    primary = operator.primary
    with operator.lab.faults.partition("operator", primary.name, how="drop"):
        said = operator.run("switchover", "--primary-dead", "--yes")

    refused(said, ExitStatus.REFUSED, "is alive", f"{operator.standby.name} reaches its ssh and database")


def test_a_second_switchover_is_told_who_holds_the_lock(operator: Operator) -> None:
    first = operator.standby.popen(("failover", "agent"), stdin=-1, stdout=-1)
    assert first.stdin is not None
    assert first.stdout is not None
    try:
        first.stdin.write(b'{"call": 1, "order": "take_lock", "arguments": {"owner": "ann@laptop"}}\n')
        first.stdin.flush()
        assert b'"result": null' in first.stdout.readline()
        said = operator.run("switchover", "--yes")
    finally:
        first.communicate()

    refused(said, ExitStatus.LOCKED, "ann@laptop")


def test_a_plan_that_is_not_the_one_looked_at(operator: Operator) -> None:
    refused(operator.run("switchover", "--plan", "0123456789ab", "--yes"), ExitStatus.REFUSED, "0123456789ab")


def test_init_of_a_pair_in_service(operator: Operator) -> None:
    name = operator.standby.name

    refused(operator.run("init", "--primary", name, "--yes"), ExitStatus.REFUSED, "already")


def test_accepting_a_finding_that_does_not_exist(operator: Operator) -> None:
    said = operator.run("switchover", "--accept", "mirror-is-down", "--yes")

    assert said.status == ExitStatus.USAGE
    assert "there is no such finding" in said.stderr


def test_dns_with_a_wrong_key(operator: Operator) -> None:
    operator.host.write(
        "/etc/failover/secrets/other", b"c29tZWJvZHkgZWxzZSdzIGtleSwgMzIgYnl0ZXMu", mode=0o600
    )
    key = {"name": "failover.", "secret": "file:/etc/failover/secrets/other"}
    environment = operator.write_configuration("/tmp/wrong-key.yaml", tsig=key)
    said = operator.run("switchover", "--yes", environment=environment)

    refused(said, ExitStatus.DNS_REFUSED, "does not accept the signature", "dns.tsig.secret")


def test_dns_with_an_unknown_key(operator: Operator) -> None:
    key = {"name": "nobody.", "secret": "file:/etc/failover/secrets/tsig"}
    environment = operator.write_configuration("/tmp/unknown-key.yaml", tsig=key)
    said = operator.run("switchover", "--yes", environment=environment)

    refused(said, ExitStatus.DNS_REFUSED, "does not know the key", "dns.tsig.name")


def test_dns_with_a_name_that_the_key_may_not_change(operator: Operator) -> None:
    record = {"name": "ns1.example.test.", "type": "A"}
    values = {"web1": ["10.77.0.53"], "web2": ["10.77.0.99"]}
    register = "_failover.www.example.test."
    environment = operator.write_configuration(
        "/tmp/not-allowed.yaml", records=[{**record, "values": values}], register=register
    )
    said = operator.run("switchover", "--yes", "--accept", "dns-wrong-address", environment=environment)

    refused(said, ExitStatus.DNS_REFUSED, "the key may not do this", "update policy")


def test_dns_with_a_wrong_clock(operator: Operator) -> None:
    with operator.lab.faults.wrong_clock("operator", 3600):
        said = operator.run("switchover", "--yes")

    refused(said, ExitStatus.DNS_REFUSED, "clock", "NTP")


def test_dns_that_somebody_else_changed(operator: Operator) -> None:
    update = "server 10.77.0.53\nzone example.test\nupdate delete www.example.test A\n"
    secret = operator.host.read("/etc/failover/secrets/tsig").decode()
    key = f"key hmac-sha256:failover {secret}\n"
    here = operator.primary.address

    def point(address: str) -> None:
        text = f"{key}{update}update add www.example.test 2 A {address}\nsend\n"
        operator.host.run(("nsupdate",), timeout_seconds=10, stdin=text.encode())

    point("192.0.2.7")
    try:
        said = operator.run("switchover", "--yes")
    finally:
        point(here)

    refused(said, ExitStatus.REFUSED, "192.0.2.7")


def test_dns_that_does_not_answer(operator: Operator) -> None:
    environment = operator.write_configuration(
        "/tmp/silent.yaml", servers=[{"address": "10.77.0.100", "port": 5399}]
    )
    said = operator.run("switchover", "--yes", environment=environment)

    refused(said, ExitStatus.DNS_UNREACHABLE, "no name server answers")
