from __future__ import annotations

from collections.abc import Iterable

from failover.config.settings import DnsSettings
from failover.dns.matrix import Authority, Matrix
from failover.dns.model import RecordKey
from failover.dns.plan import wanted_records
from failover.dns.propagation import Propagation
from failover.dns.register import Register
from tests.fakes.clock import FakeClock
from tests.unit.dns.matrices import matrix, view

NOW, NEXT = Register(5, "alpha"), Register(6, "bravo")
AUTHORITIES = (Authority("ns1.example.test.", "192.0.2.1"),)


class Played(Propagation):
    """Answers `rounds` times what was, then what is wanted."""

    def __init__(self, settings: DnsSettings, clock: FakeClock, rounds: int) -> None:
        super().__init__(settings, clock=clock)
        self.before, self.after = matrix(view(settings, 1, NOW)), matrix(view(settings, 1, NEXT))
        self.rounds = rounds
        self.asked: list[float] = []
        self._at = clock

    def ask_all(self, authorities: Iterable[Authority], keys: Iterable[RecordKey]) -> Matrix:
        self.asked.append(self._at.monotonic())
        return self.before if len(self.asked) <= self.rounds else self.after


def test_agreement_ends_the_wait(settings: DnsSettings) -> None:
    clock, seen = FakeClock(), list[Matrix]()
    played = Played(settings, clock, rounds=3)

    last = played.wait_until_agreed(AUTHORITIES, wanted_records(settings, NEXT), progress=seen.append)

    assert last is played.after
    assert seen == [played.before] * 3 + [played.after]
    assert clock.monotonic() < 1


def test_the_deadline_ends_the_wait_and_the_last_look_is_at_its_end(settings: DnsSettings) -> None:
    clock = FakeClock()
    played = Played(settings, clock, rounds=10**6)

    last = played.wait_until_agreed(AUTHORITIES, wanted_records(settings, NEXT), seconds=10)

    assert last is played.before
    assert played.asked[-1] == 10
    assert len(played.asked) < 30


def test_an_agreement_that_is_there_already_waits_for_nothing(settings: DnsSettings) -> None:
    clock = FakeClock()

    Played(settings, clock, rounds=0).wait_until_agreed(
        AUTHORITIES, wanted_records(settings, NEXT), seconds=0
    )

    assert clock.monotonic() == 0


def test_a_stop_ends_the_wait(settings: DnsSettings) -> None:
    class Stopped(FakeClock):
        def wait(self, seconds: float) -> bool:
            return True

    played = Played(settings, Stopped(), rounds=10**6)

    assert played.wait_until_agreed(AUTHORITIES, wanted_records(settings, NEXT)) is played.before
    assert len(played.asked) == 1
