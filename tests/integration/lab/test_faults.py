"""Every fault does what it says, and is gone when it is undone. Measured from inside the hosts."""

from __future__ import annotations

import os
import time

import pytest

from failover.errors import LabError, ProgramError, UsageError
from failover.lab.faults import Direction, Faults
from failover.lab.host import Host
from failover.lab.lab import Lab
from failover.lab.services import mariadb
from tests.integration.lab.reach import connect, datagrams_arrived, seconds_to_send

pytestmark = pytest.mark.integration

needs_a_relay = pytest.mark.skipif(
    not os.access("/dev/net/tun", os.R_OK | os.W_OK),
    reason="this user may not open /dev/net/tun, which delaying and holding need (udev opens it to all)",
)


@pytest.fixture
def faults(lab: Lab) -> Faults:
    return lab.faults


def test_a_partition_parts_two_hosts_and_no_others(
    faults: Faults, web1: Host, web2: Host, operator: Host
) -> None:
    with faults.partition("web1", "web2"):
        assert connect(web1, web2).word == "silent"
        assert connect(web2, web1).word == "silent"
        assert connect(operator, web1).word == "open"
        assert connect(operator, web2).word == "open"

    assert connect(web1, web2).word == "open"


@pytest.mark.parametrize(("direction", "from_1_to_2", "from_2_to_1"), [("a-to-b", 0, 20), ("b-to-a", 20, 0)])
def test_a_partition_can_be_of_one_direction(
    faults: Faults, web1: Host, web2: Host, direction: Direction, from_1_to_2: int, from_2_to_1: int
) -> None:
    with faults.partition("web1", "web2", direction=direction):
        for host in (web1, web2):
            # The way that is open has to be found anew, too: ARP needs both directions.
            host.run(("ip", "neigh", "flush", "all"))
        assert datagrams_arrived(web1, web2, 20) == from_1_to_2
        assert datagrams_arrived(web2, web1, 20) == from_2_to_1


def test_a_rejecting_partition_says_no(faults: Faults, web1: Host, web2: Host, operator: Host) -> None:
    with faults.partition("web1", "web2", how="reject"):
        assert connect(web1, web2).word == "refused"
        assert connect(web2, web1).word == "refused"
        assert connect(operator, web2).word == "open"

    assert connect(web1, web2).word == "open"


def test_a_rejecting_partition_of_one_direction_refuses_only_that(
    faults: Faults, web1: Host, web2: Host
) -> None:
    with faults.partition("web1", "web2", how="reject", direction="a-to-b"):
        assert connect(web1, web2).word == "refused"
        assert datagrams_arrived(web2, web1, 20) == 20


def test_an_isolated_host_reaches_nobody_also_after_a_power_cut(
    faults: Faults, web2: Host, operator: Host
) -> None:
    with faults.isolate("operator"):
        assert connect(operator, web2).word != "open"
        assert connect(web2, operator).word != "open"
        with faults.power_cut("operator"):
            pass
        assert connect(web2, operator).word != "open"

    assert connect(operator, web2, limit=3).word == "open"


def test_loss_loses_about_that_many(faults: Faults, web2: Host, operator: Host) -> None:
    assert datagrams_arrived(operator, web2, 400) == 400

    with faults.loss("operator", 30):
        arrived = datagrams_arrived(operator, web2, 400)

    # 280 are expected; five standard deviations are 46.
    assert 230 < arrived < 330


def test_loss_of_more_than_all_is_refused(faults: Faults) -> None:
    with pytest.raises(UsageError, match="120 is not a percentage"):
        faults.loss("web1", 120)


@needs_a_relay
def test_a_delay_is_there_both_ways_also_after_a_power_cut(
    faults: Faults, web2: Host, operator: Host
) -> None:
    assert connect(operator, web2).seconds < 0.1

    with faults.delay("operator", 0.1) as delay:
        assert 0.2 <= connect(operator, web2).seconds < 0.5
        with faults.power_cut("operator"):
            pass
        # ARP is a round trip as well, once.
        assert 0.2 <= connect(operator, web2, limit=3).seconds < 1.0
        delay.undo()
        assert connect(operator, web2).seconds < 0.1


@needs_a_relay
def test_a_hold_lets_nothing_pass_and_loses_nothing(faults: Faults, web2: Host, operator: Host) -> None:
    with faults.hold("operator"):
        assert connect(operator, web2).word == "silent"
        assert connect(web2, operator).word == "silent"

    assert connect(operator, web2).word == "open"


def test_a_slow_link_is_slow_in_both_directions(faults: Faults, web2: Host, operator: Host) -> None:
    megabyte = 1_000_000
    assert seconds_to_send(operator, web2, megabyte) < 0.5

    with faults.slow_link("operator", 8):
        for seconds in (seconds_to_send(operator, web2, megabyte), seconds_to_send(web2, operator, megabyte)):
            assert 0.8 < seconds < 2.5

    assert seconds_to_send(operator, web2, megabyte) < 0.5


def test_a_full_disk_takes_nothing_more(lab: Lab, faults: Faults, web1: Host, operator: Host) -> None:
    with faults.full_disk("operator"):
        with pytest.raises(ProgramError, match="No space left"):
            operator.write("/srv/big", bytes(8192))
        web1.write("/srv/big", bytes(8192))

    operator.write("/srv/big", bytes(8192))
    assert lab.disk_bytes == 1 << 30


def test_a_frozen_database_does_not_answer_and_thaws(faults: Faults, web2: Host) -> None:
    with faults.freeze("web2", "mariadbd"), pytest.raises(ProgramError, match="no end within"):
        mariadb.sql(web2, "SELECT 1;", timeout_seconds=1)

    assert mariadb.sql(web2, "SELECT 1;") == "1\n"


def test_a_killed_database_is_gone_until_it_is_started(faults: Faults, web2: Host) -> None:
    faults.kill("web2", "mariadbd")

    with pytest.raises(ProgramError):
        mariadb.sql(web2, "SELECT 1;")
    server = mariadb.MariaDb()
    server.start(web2)
    server.ready(web2)
    assert mariadb.sql(web2, "SELECT 1;") == "1\n"


def test_what_does_not_run_cannot_be_killed(faults: Faults) -> None:
    with pytest.raises(LabError, match="no process httpd on web1"):
        faults.kill("web1", "httpd")


def test_a_wrong_clock_is_the_databases_and_failovers_only(faults: Faults, web2: Host) -> None:
    def database() -> float:
        return float(mariadb.sql(web2, "SELECT UNIX_TIMESTAMP(NOW(6));"))

    assert abs(database() - time.time()) < 2
    with faults.wrong_clock("web2", -3600):
        assert abs(database() + 3600 - time.time()) < 5
        assert b"FAKETIME=-3600" in web2.read("/usr/local/bin/failover")
        assert web2.run(("failover", "--version")).stdout.startswith(b"failover ")
        assert abs(float(web2.run(("date", "+%s")).stdout) - time.time()) < 2

    assert abs(database() - time.time()) < 2


@needs_a_relay
def test_healing_undoes_them_all(lab: Lab, faults: Faults, web1: Host, web2: Host, operator: Host) -> None:
    faults.partition("operator", "web1")
    faults.partition("web2", "operator", how="reject")
    faults.loss("operator", 100)
    faults.slow_link("operator", 1)
    faults.delay("operator", 0.2)
    faults.full_disk("operator")
    faults.freeze("operator", "sshd")
    faults.isolate("operator")

    faults.heal("operator")

    operator.write("/srv/big", bytes(8192))
    for host in (web1, web2):
        assert connect(host, operator, limit=3).word == "open"
        assert connect(operator, host).word == "open"
    assert connect(operator, web1).seconds < 0.1
    status = lab.status()["operator"]
    assert (status["is_plugged"], status["megabits_per_second"], status["is_relayed"]) == (True, None, False)
    assert seconds_to_send(operator, web2, 1_000_000) < 0.5
