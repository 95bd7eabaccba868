from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import pytest

from failover.dns.faults import PlanRefusedError
from failover.dns.matrix import Answer, Authority, Matrix, View
from failover.dns.model import Outcome, RecordKey, Records, RecordSet, Update
from failover.dns.plan import wanted_records
from failover.dns.propagation import Propagation
from failover.dns.register import Register, register_record
from failover.errors import DeadlineError, DnsError
from failover.model.codes import Code
from failover.switchover.names import Names
from tests.fakes.dns import FakeDnsProvider
from tests.fakes.pair import pair_settings

DNS = pair_settings().dns
OWNER = DNS.register_owner
WWW = ("www.example.test.", "A")


class FakePropagation:
    """Two authorities; the second one may lag for good."""

    def __init__(self, provider: FakeDnsProvider, lagging: Records | None = None) -> None:
        self.provider = provider
        self.lagging = lagging
        self.searches = 0

    def find_authorities(self) -> tuple[Authority, ...]:
        self.searches += 1
        return (Authority("ns1.", "10.77.0.53"), Authority("ns2.", "10.77.0.54"))

    def ask_all(self, authorities: Iterable[Authority], keys: Iterable[RecordKey]) -> Matrix:
        wanted = tuple(keys)
        return Matrix(tuple(self._view(authority, wanted) for authority in authorities))

    def wait_until_agreed(
        self,
        authorities: Iterable[Authority],
        wanted: Records,
        *,
        seconds: float | None = None,
        progress: Callable[[Matrix], None] | None = None,
    ) -> Matrix:
        return self.ask_all(authorities, wanted)

    def _view(self, authority: Authority, keys: tuple[RecordKey, ...]) -> View:
        is_behind = self.lagging is not None and authority.name == "ns2."
        source = self.lagging if is_behind and self.lagging is not None else self.provider.read(keys)
        return View(authority, 1, tuple((key, Answer(source.get(key))) for key in keys))


def zone(register: Register | None, address: str = "10.77.0.11") -> FakeDnsProvider:
    records = [RecordSet(*WWW, 2, frozenset({address}))]
    if register is not None:
        records.append(register_record(register, OWNER, 2))
    return FakeDnsProvider(records)


def names(
    provider: FakeDnsProvider, accepted: tuple[Code, ...] = (), lagging: Records | None = None
) -> Names:
    propagation = cast("Propagation", FakePropagation(provider, lagging))
    return Names(DNS, provider, propagation, accepted=accepted)


def address(provider: FakeDnsProvider) -> frozenset[str]:
    record = provider.read([WWW])[WWW]
    assert record is not None
    return record.values


def test_names_and_register_move_together_and_the_changes_are_told() -> None:
    provider = zone(Register(3, "web1"))
    result = names(provider).move(old="web1", new="web2", epoch=4)

    assert address(provider) == {"10.77.0.12"}
    assert names(provider).look().register == Register(4, "web2")
    assert any("10.77.0.11 → 10.77.0.12" in line for line in result["changes"])


def test_a_second_move_finds_it_done_and_writes_nothing() -> None:
    provider = zone(Register(3, "web1"))
    names(provider).move(old="web1", new="web2", epoch=4)

    assert names(provider).move(old="web1", new="web2", epoch=4) == {"changes": []}


def test_a_register_somebody_took_further_stops_the_move() -> None:
    provider = zone(Register(4, "web1"))
    with pytest.raises(PlanRefusedError, match="epoch 4, primary web1"):
        names(provider).move(old="web1", new="web2", epoch=4)

    assert address(provider) == {"10.77.0.11"}


def test_a_register_that_missed_an_epoch_is_caught_up() -> None:
    provider = zone(Register(2, "web1"))
    names(provider).move(old="web1", new="web2", epoch=5)

    assert names(provider).look().register == Register(5, "web2")


def test_an_address_that_is_neither_node_s_stops_the_move_unless_accepted() -> None:
    provider = zone(Register(3, "web1"), address="192.0.2.1")
    with pytest.raises(DnsError, match="neither node"):
        names(provider).move(old="web1", new="web2", epoch=4)
    names(provider, accepted=(Code.DNS_WRONG_ADDRESS,)).move(old="web1", new="web2", epoch=4)

    assert address(provider) == {"10.77.0.12"}


def test_the_preview_is_what_the_move_does_and_changes_nothing() -> None:
    provider = zone(Register(3, "web1"))
    lines = names(provider).preview(old="web1", new="web2", epoch=4)

    assert address(provider) == {"10.77.0.11"}
    assert lines == tuple(names(provider).move(old="web1", new="web2", epoch=4)["changes"])


def test_the_register_is_created_once() -> None:
    provider = zone(None)
    first = names(provider).create(new="web1", epoch=1)

    assert first["changes"]
    assert names(provider).create(new="web1", epoch=1) == {"changes": []}
    with pytest.raises(DnsError):
        names(provider).create(new="web2", epoch=1)


def test_verify_names_the_authority_that_lags() -> None:
    provider = zone(Register(4, "web2"), address="10.77.0.12")
    old: Records = dict(wanted_records(DNS, Register(3, "web1")))

    assert names(provider).verify(new="web2", epoch=4, timeout_seconds=1) == {"authorities": 2}
    with pytest.raises(DeadlineError, match=r"ns2\. \(10\.77\.0\.54\)"):
        names(provider, lagging=old).verify(new="web2", epoch=4, timeout_seconds=1)


def test_the_authorities_are_looked_for_once() -> None:
    provider = zone(Register(3, "web1"))
    propagation = FakePropagation(provider)
    used = Names(DNS, provider, cast("Propagation", propagation))
    used.look()
    used.verify(new="web1", epoch=3, timeout_seconds=1)

    assert propagation.searches == 1


def test_what_cannot_be_asked_is_unknown_with_the_reason() -> None:
    class Dead(FakeDnsProvider):
        def read(self, keys: Iterable[RecordKey]) -> Records:
            raise DnsError("no name server answers")

    view = names(Dead()).look()

    assert view.register is None
    assert "no name server answers" in view.troubles


def test_a_rehearsal_proves_the_key_and_changes_nothing() -> None:
    provider = FakeDnsProvider([RecordSet(*WWW, 2, frozenset({"10.77.0.11"}))])
    names(provider).rehearse()

    assert len(provider.updates) == 1
    assert address(provider) == {"10.77.0.11"}


def test_a_rehearsal_says_why_an_update_would_be_refused() -> None:
    class Refusing(FakeDnsProvider):
        def apply(self, update: Update) -> Outcome:
            raise DnsError("the key may not do this")

    with pytest.raises(DnsError, match="may not do this"):
        names(Refusing([RecordSet(*WWW, 2, frozenset({"10.77.0.11"}))])).rehearse()
