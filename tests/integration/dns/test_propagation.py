from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Callable

import pytest

from failover.dns.matrix import Authority, Fault, Matrix
from failover.dns.plan import keys_of, plan_creation, plan_move, wanted_records
from failover.dns.propagation import Propagation
from failover.dns.register import Register
from failover.dns.rfc2136 import Rfc2136Provider
from failover.dns.table import matrix_lines
from failover.system.clock import SystemClock
from failover.system.deadline import poll
from tests.integration.dns.conftest import (
    PRIMARY,
    SECONDARY,
    SECRET,
    Named,
    StartNamed,
    free_port,
    primary_zone,
    settings_for,
)

pytestmark = pytest.mark.integration

FIRST, SECOND = Register(1, "alpha"), Register(2, "bravo")


class Zone:
    """A primary with the first register in it and a secondary that has taken it over."""

    def __init__(self, start: StartNamed, *, is_notifying: bool) -> None:
        self.port = free_port()
        self.primary: Named = start(PRIMARY, self.port, primary_zone(self.port, is_notifying=is_notifying))
        self.settings = settings_for((PRIMARY, self.port))
        self.provider = Rfc2136Provider(self.settings, SECRET, clock=SystemClock())
        self.provider.apply(plan_creation(self.settings, {}, wanted=FIRST))
        # The primary's NOTIFY has to come from ::1, which is not the address it serves the zone at.
        copy = f"primaries {{ {PRIMARY} port {self.port}; }}; allow-notify {{ {SECONDARY}; }};"
        self.secondary: Named = start(SECONDARY, self.port, f'type secondary; file "copy"; {copy}')
        self.propagation = Propagation(self.settings, clock=SystemClock(), authority_port=self.port)

    def move(self) -> None:
        current = self.provider.read(keys_of(self.settings))
        self.provider.apply(plan_move(self.settings, current, expected=FIRST, wanted=SECOND))

    def wait(self, register: Register, seconds: float, seen: list[Matrix] | None = None) -> Matrix:
        return self.propagation.wait_until_agreed(
            self.propagation.find_authorities(),
            wanted_records(self.settings, register),
            seconds=seconds,
            progress=None if seen is None else seen.append,
        )


def test_authorities_are_found_with_their_addresses(start_named: StartNamed) -> None:
    zone = Zone(start_named, is_notifying=False)

    assert zone.propagation.find_authorities() == (
        Authority("ns1.example.test.", PRIMARY, zone.port),
        Authority("ns2.example.test.", SECONDARY, zone.port),
    )


def test_a_server_outside_the_zone_is_looked_up_here(start_named: StartNamed) -> None:
    port = free_port()
    records = "@ NS ns.elsewhere.test.\n@ NS ns.nowhere.test.\n"
    start_named(PRIMARY, port, primary_zone(port, is_notifying=False), records)

    def lookup(name: str, _seconds: float) -> tuple[str, ...]:
        return ("192.0.2.53",) if name == "ns.elsewhere.test." else ()

    propagation = Propagation(
        settings_for((PRIMARY, port)), clock=SystemClock(), lookup=lookup, authority_port=port
    )
    found = {authority.name: authority.address for authority in propagation.find_authorities()}
    unknown = Authority("ns.nowhere.test.", "", port)

    assert found["ns.elsewhere.test."] == "192.0.2.53"
    assert found["ns.nowhere.test."] == ""
    assert propagation.ask_all([unknown], [("www.example.test.", "A")]).views[0].fault is Fault.SILENT


def test_a_notified_secondary_agrees_soon(start_named: StartNamed, elapsed: Callable[[], float]) -> None:
    zone = Zone(start_named, is_notifying=True)
    seen: list[Matrix] = []
    start = elapsed()

    zone.move()
    matrix = zone.wait(SECOND, 10, seen)

    print(f"all authorities agree after {elapsed() - start:.3f} s, {len(seen)} rounds")  # noqa: T201
    print(*matrix_lines(matrix, wanted_records(zone.settings, SECOND)), sep="\n")  # noqa: T201
    assert matrix.is_agreed(wanted_records(zone.settings, SECOND))
    assert seen[-1] == matrix
    assert {view.serial for view in matrix.views} == {3}


def test_a_lagging_secondary_is_named_when_the_time_is_over(start_named: StartNamed) -> None:
    zone = Zone(start_named, is_notifying=False)

    zone.move()
    matrix = zone.wait(SECOND, 0.6)

    wanted = wanted_records(zone.settings, SECOND)
    assert [view.authority.name for view in matrix.lagging(wanted)] == ["ns2.example.test."]
    assert [view.serial for view in matrix.views] == [3, 2]


def test_a_dead_secondary_is_an_unknown_and_no_agreement(
    start_named: StartNamed, elapsed: Callable[[], float]
) -> None:
    zone = Zone(start_named, is_notifying=False)
    zone.secondary.stop()
    start = elapsed()

    matrix = zone.wait(FIRST, 0)

    assert elapsed() - start < 2
    assert [view.fault for view in matrix.views] == [None, Fault.SILENT]
    assert not matrix.is_agreed(wanted_records(zone.settings, FIRST))


def test_a_frozen_secondary_costs_one_time_limit(
    start_named: StartNamed, elapsed: Callable[[], float]
) -> None:
    zone = Zone(start_named, is_notifying=False)
    authorities = zone.propagation.find_authorities()
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as mute:
        mute.bind((SECONDARY, 0))
        frozen = dataclasses.replace(authorities[1], port=mute.getsockname()[1])
        start = elapsed()

        matrix = zone.propagation.ask_all([authorities[0], frozen], keys_of(zone.settings))

        assert 0.4 < elapsed() - start < 1
    assert [view.fault for view in matrix.views] == [None, Fault.SILENT]


def test_a_secondary_that_comes_late_is_waited_for(start_named: StartNamed) -> None:
    zone = Zone(start_named, is_notifying=True)
    zone.secondary.pause()
    zone.move()
    rounds: list[Matrix] = []
    results: list[Matrix] = []

    waiting = threading.Thread(target=lambda: results.append(zone.wait(SECOND, 20, rounds)))
    waiting.start()
    poll(lambda: rounds or None, clock=SystemClock(), seconds=10, what="a first round")
    zone.secondary.resume()
    waiting.join(20)

    assert not rounds[0].is_agreed(wanted_records(zone.settings, SECOND))
    assert results[0].is_agreed(wanted_records(zone.settings, SECOND))
