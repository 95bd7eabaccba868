from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import dns.update
import pytest

from failover.dns.faults import Refusal, ServerRefusalError
from failover.dns.model import Change, RecordSet, Update
from failover.dns.wire import glue_in, make_question, make_update, record_in

WWW = RecordSet("www.example.test.", "A", 60, frozenset({"10.77.0.11"}))
MOVED = RecordSet("www.example.test.", "A", 30, frozenset({"10.77.0.12"}))


def reply_with(
    *lines: tuple[str, str, str], rcode: int = dns.rcode.NOERROR, is_authority: bool = True
) -> dns.message.Message:
    reply = dns.message.make_response(make_question(WWW.key))
    reply.set_rcode(dns.rcode.Rcode(rcode))
    if is_authority:
        reply.flags |= dns.flags.AA
    reply.answer = [dns.rrset.from_text(name, 60, "IN", type_, value) for name, type_, value in lines]
    return reply


def test_a_question_does_not_ask_for_recursion() -> None:
    assert not make_question(WWW.key).flags & dns.flags.RD


def test_an_update_is_conditions_without_a_ttl_and_replacements() -> None:
    message = make_update(Update("example.test.", (Change(WWW, MOVED),)))

    assert [rrset.to_text() for rrset in message.prerequisite] == ["www.example.test. 0 IN A 10.77.0.11"]
    assert [rrset.to_text() for rrset in message.update] == [
        "www.example.test. ANY A",
        "www.example.test. 30 IN A 10.77.0.12",
    ]


def test_what_shall_not_exist_yet_shall_be_no_alias_either() -> None:
    message = make_update(Update("example.test.", (Change(None, MOVED),)))

    assert [rrset.to_text() for rrset in message.prerequisite] == [
        "www.example.test. NONE A",
        "www.example.test. NONE CNAME",
    ]


def test_an_answer_is_read_whatever_the_case_of_its_name() -> None:
    assert record_in(reply_with(("WWW.Example.Test.", "A", "10.77.0.11")), WWW.key, "ns") == WWW


@pytest.mark.parametrize("rcode", [dns.rcode.NOERROR, dns.rcode.NXDOMAIN])
def test_no_answer_from_an_authority_is_none(rcode: int) -> None:
    assert record_in(reply_with(rcode=rcode), WWW.key, "ns") is None


@pytest.mark.parametrize(
    ("reply", "refusal"),
    [
        (reply_with(is_authority=False), Refusal.NOT_AUTHORITATIVE),
        (reply_with(("www.example.test.", "A", "10.77.0.11"), is_authority=False), Refusal.NOT_AUTHORITATIVE),
        (reply_with(("www.example.test.", "CNAME", "other.example.test.")), Refusal.ALIAS),
        (
            reply_with(("www.example.test.", "CNAME", "gone.example.test."), rcode=dns.rcode.NXDOMAIN),
            Refusal.ALIAS,
        ),
        (reply_with(rcode=dns.rcode.REFUSED), Refusal.NOT_ANSWERING),
        (reply_with(rcode=dns.rcode.SERVFAIL), Refusal.FAILED),
        (reply_with(rcode=dns.rcode.FORMERR), Refusal.MALFORMED),
        (reply_with(rcode=dns.rcode.NOTIMP), Refusal.NOT_IMPLEMENTED),
        (reply_with(rcode=11), Refusal.OTHER),
    ],
)
def test_everything_else_is_told_apart_and_never_none(reply: dns.message.Message, refusal: Refusal) -> None:
    with pytest.raises(ServerRefusalError) as caught:
        record_in(reply, WWW.key, "192.0.2.1")

    assert caught.value.refusal is refusal
    assert "192.0.2.1" in caught.value.message
    assert "www.example.test. A" in caught.value.message


def test_glue_is_taken_from_beside_the_answer() -> None:
    reply = reply_with(("example.test.", "NS", "ns1.example.test."))
    reply.additional = [dns.rrset.from_text("ns1.example.test.", 60, "IN", "A", "192.0.2.1")]

    found = glue_in(reply, ("ns1.example.test.", "A"))

    assert found is not None
    assert found.values == {"192.0.2.1"}
