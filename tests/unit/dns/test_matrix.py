from __future__ import annotations

import json

import pytest

from failover.config.settings import DnsSettings
from failover.dns.matrix import Fault
from failover.dns.plan import wanted_records
from failover.dns.register import Register
from tests.unit.dns.matrices import faulty, matrix, view

NOW, NEXT = Register(5, "alpha"), Register(6, "bravo")


def test_all_must_say_what_is_wanted(settings: DnsSettings) -> None:
    half = matrix(view(settings, 1, NEXT), view(settings, 2, NOW))

    assert not half.is_agreed(wanted_records(settings, NEXT))
    assert [late.authority.name for late in half.lagging(wanted_records(settings, NEXT))] == [
        "ns2.example.test."
    ]
    assert matrix(view(settings, 1, NEXT), view(settings, 2, NEXT)).is_agreed(wanted_records(settings, NEXT))


def test_no_authorities_is_no_agreement(settings: DnsSettings) -> None:
    assert not matrix().is_agreed(wanted_records(settings, NEXT))


@pytest.mark.parametrize("fault", list(Fault))
def test_an_authority_without_an_answer_is_no_agreement(settings: DnsSettings, fault: Fault) -> None:
    silent = matrix(view(settings, 1, NEXT), faulty(settings, 2, fault))

    assert not silent.is_agreed(wanted_records(settings, NEXT))


def test_an_address_without_a_route_counts_only_if_the_server_has_no_other(settings: DnsSettings) -> None:
    reached = view(settings, 1, NEXT)
    unroutable = faulty(settings, 1, Fault.UNROUTABLE, address="fd77::53")

    assert matrix(reached, unroutable).is_agreed(wanted_records(settings, NEXT))
    assert matrix(reached, unroutable).counted == (reached,)


def test_a_name_that_was_not_asked_for_is_no_agreement(settings: DnsSettings) -> None:
    wanted = {**wanted_records(settings, NEXT), ("more.example.test.", "A"): None}

    assert not matrix(view(settings, 1, NEXT)).is_agreed(wanted)


def test_a_record_that_shall_not_exist(settings: DnsSettings) -> None:
    key = ("www.example.test.", "A")

    assert matrix(view(settings, 1, NEXT, {key: None})).is_agreed({key: None})
    assert not matrix(view(settings, 1, NEXT)).is_agreed({key: None})


def test_it_goes_through_json(settings: DnsSettings) -> None:
    shown = json.loads(
        json.dumps(matrix(view(settings, 1, NOW), faulty(settings, 2, Fault.SILENT)).as_json())
    )

    assert shown[0]["answers"][1]["values"] == ["10.77.0.11"]
    assert shown[1]["serial"] is None
    assert shown[1]["answers"][0]["fault"] == "no reply"
