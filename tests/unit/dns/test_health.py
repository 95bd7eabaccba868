from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.config.settings import DnsSettings
from failover.dns.health import judge
from failover.dns.matrix import Answer, Fault, View
from failover.dns.model import RecordSet
from failover.dns.plan import register_key
from failover.dns.register import Register
from failover.model.codes import Code
from failover.model.finding import Severity
from tests.unit.dns.matrices import faulty, matrix, view

NOW, NEXT = Register(5, "alpha"), Register(6, "bravo")
WWW = ("www.example.test.", "A")


def codes(settings: DnsSettings, *views: View) -> list[Code]:
    return [finding.code for finding in judge(settings, matrix(*views), NOW)]


def test_all_well_is_one_finding(settings: DnsSettings) -> None:
    (finding,) = judge(settings, matrix(view(settings, 1, NOW), view(settings, 2, NOW)), NOW)

    assert finding.code is Code.DNS_OK
    assert finding.summary == "every name points at alpha, as 2 name servers say"


def test_every_name_that_points_at_the_standby_is_a_finding(settings: DnsSettings) -> None:
    found = judge(settings, matrix(view(settings, 1, NEXT)), NOW)

    assert [finding.code for finding in found] == [Code.DNS_WRONG_ADDRESS] * 3 + [Code.REGISTER_DISAGREES]
    assert found[0].summary == "www.example.test. A is 10.77.0.12, of bravo; the primary alpha is 10.77.0.11"
    assert all(finding.severity is Severity.CRITICAL for finding in found)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (None, Code.DNS_RECORD_MISSING),
        (RecordSet(*WWW, 60, frozenset({"192.0.2.99"})), Code.DNS_WRONG_ADDRESS),
        (RecordSet(*WWW, 3600, frozenset({"10.77.0.11"})), Code.DNS_TTL_HIGH),
    ],
)
def test_what_is_wrong_with_a_record(settings: DnsSettings, record: RecordSet | None, code: Code) -> None:
    assert codes(settings, view(settings, 1, NOW, {WWW: record})) == [code]


def test_name_servers_that_disagree_are_named_with_what_each_says(settings: DnsSettings) -> None:
    other = RecordSet(*WWW, 60, frozenset({"10.77.0.12"}))

    (finding,) = judge(settings, matrix(view(settings, 1, NOW), view(settings, 2, NOW, {WWW: other})), NOW)

    assert finding.code is Code.DNS_DISAGREES
    assert "ns1.example.test. says 10.77.0.11, ns2.example.test. says 10.77.0.12" in finding.summary


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, Code.REGISTER_MISSING),
        ('"v=failover1 epoch=x"', Code.REGISTER_MALFORMED),
        ('"v=failover2"', Code.REGISTER_NEWER),
        ('"v=failover1 epoch=6 primary=alpha"', Code.REGISTER_DISAGREES),
    ],
)
def test_what_is_wrong_with_the_register(settings: DnsSettings, text: str | None, code: Code) -> None:
    key = register_key(settings)
    record = None if text is None else RecordSet(*key, 60, frozenset({text}))

    assert codes(settings, view(settings, 1, NOW, {key: record})) == [code]


@pytest.mark.parametrize(
    ("fault", "code"), [(Fault.SILENT, Code.DNS_UNREACHABLE), (Fault.REFUSED, Code.DNS_NOT_AUTHORITATIVE)]
)
def test_one_of_two_servers_down_is_a_warning(settings: DnsSettings, fault: Fault, code: Code) -> None:
    (finding,) = judge(settings, matrix(view(settings, 1, NOW), faulty(settings, 2, fault)), NOW)

    assert (finding.code, finding.severity, finding.subject) == (code, Severity.WARNING, "ns2.example.test.")


def test_all_servers_down_is_an_unknown_and_nothing_else_is_claimed(settings: DnsSettings) -> None:
    (finding,) = judge(
        settings, matrix(faulty(settings, 1, Fault.SILENT), faulty(settings, 2, Fault.SILENT)), NOW
    )

    assert (finding.code, finding.severity) == (Code.DNS_UNREACHABLE, Severity.UNKNOWN)


def test_a_name_that_nobody_answers_for_is_an_unknown(settings: DnsSettings) -> None:
    whole = view(settings, 1, NOW)
    answers = tuple(
        (key, Answer(None, Fault.REFUSED) if key == WWW else answer) for key, answer in whole.answers
    )
    part = dataclasses.replace(whole, answers=answers)

    assert codes(settings, part) == [Code.DNS_NOT_AUTHORITATIVE, Code.DNS_UNREACHABLE]


def test_a_name_that_was_not_asked_for_is_never_ok(settings: DnsSettings) -> None:
    whole = view(settings, 1, NOW)
    part = dataclasses.replace(whole, answers=whole.answers[:-1])

    (finding,) = judge(settings, matrix(part), NOW)

    assert (finding.code, finding.severity) == (Code.DNS_UNREACHABLE, Severity.UNKNOWN)


def test_no_servers_at_all_is_an_unknown(settings: DnsSettings) -> None:
    assert codes(settings) == [Code.DNS_UNREACHABLE]


def test_a_name_server_on_a_node_dies_with_it(settings: DnsSettings) -> None:
    assert codes(settings, view(settings, 1, NOW, address="10.77.0.12")) == [Code.DNS_SERVER_ON_NODE]

    (finding,) = judge(settings, matrix(view(settings, 1, NOW)), NOW, {"alpha": ["192.0.2.1"]})
    assert "lives on alpha" in finding.summary


@given(
    st.lists(st.tuples(st.sampled_from([NOW, NEXT]), st.sampled_from([None, *Fault])), min_size=0, max_size=4)
)
def test_ok_only_if_every_authority_says_so(
    settings: DnsSettings, servers: list[tuple[Register, Fault | None]]
) -> None:
    views = [
        view(settings, number, register) if fault is None else faulty(settings, number, fault)
        for number, (register, fault) in enumerate(servers)
    ]

    is_ok = codes(settings, *views) == [Code.DNS_OK]

    assert is_ok == (bool(servers) and all(server == (NOW, None) for server in servers))
