from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from failover.lab.demo.ledger import Entry, Kind, Outcome
from failover.lab.demo.visitor import (
    TURNS,
    Address,
    AddressCache,
    Answer,
    TransportError,
    Visitor,
    judge_answer,
)


class FakeSite:
    """DNS and two nodes; time moves one second a call."""

    def __init__(self) -> None:
        self.now = 0.0
        self.address = "10.77.0.11"
        self.asked = 0
        self.answer: Answer | TransportError = Answer(201, "web1")
        self.seen: list[tuple[str, str]] = []

    def clock(self) -> float:
        return self.now

    def resolve(self, name: str) -> Address:
        self.asked += 1
        return Address(self.address, 2.0)

    def get(self, address: str, path: str) -> Answer:
        return self._reply(address, path)

    def post_json(self, address: str, path: str, body: dict[str, str]) -> Answer:
        return self._reply(address, body["token"])

    def put(self, address: str, path: str, body: bytes) -> Answer:
        return self._reply(address, path)

    def _reply(self, address: str, what: str) -> Answer:
        self.now += 1.0
        self.seen.append((address, what))
        if isinstance(self.answer, TransportError):
            raise self.answer
        return self.answer


def visitor_of(site: FakeSite) -> Visitor:
    return Visitor("v1", host="www.example.test", transport=site, clock=site.clock, random=Random(7))


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from(["a", "b"]), st.floats(0, 4)), max_size=30))
def test_an_address_is_kept_exactly_as_long_as_its_ttl(steps: list[tuple[float, str, float]]) -> None:
    now, truth, asked_at = 0.0, Address("a", 1.0), list[float]()

    def ask(_name: str) -> Address:
        asked_at.append(now)
        return truth

    cache = AddressCache(ask)
    valid_until, expected = -1.0, ""
    for wait, address, ttl in steps:
        now += wait
        truth = Address(address, ttl)
        if now >= valid_until:
            valid_until, expected = now + ttl, address
        questions = len(asked_at)

        assert cache.address_of("www", now=now) == expected
        assert len(asked_at) - questions in {0, 1}


def test_a_visitor_goes_through_its_turns_and_every_token_is_new() -> None:
    site = FakeSite()
    visitor = visitor_of(site)

    entries = [visitor.act() for _ in range(8)]

    assert sorted(entry.kind for entry in entries) == sorted(TURNS * 2)
    assert len({entry.token for entry in entries}) == 8
    assert all(entry.outcome is Outcome.ACKNOWLEDGED and entry.served_by == "web1" for entry in entries)
    assert all(entry.at - entry.began_at == 1.0 for entry in entries)


def test_a_dead_address_is_tried_until_its_ttl_is_over_then_asked_for_again() -> None:
    site = FakeSite()
    visitor = visitor_of(site)
    visitor.act()
    site.answer, site.address = TransportError("timed out", was_sent=False), "10.77.0.12"

    addresses = [visitor.act().address for _ in range(3)]

    assert addresses == ["10.77.0.11", "10.77.0.12", "10.77.0.12"]
    assert site.asked == 2


def test_a_turn_that_failed_is_tried_again_with_a_new_token() -> None:
    site = FakeSite()
    visitor = visitor_of(site)
    site.answer = TransportError("connection refused", was_sent=False)
    failed = visitor.act()
    site.answer = Answer(201, "web2")
    again = visitor.act()

    assert failed.outcome is Outcome.REFUSED
    assert failed.reason == "connection refused"
    assert again.kind is failed.kind
    assert again.token != failed.token


def test_a_connection_cut_after_the_request_leaves_a_write_unknown_and_a_page_refused() -> None:
    site = FakeSite()
    site.answer = TransportError("timed out", was_sent=True)
    outcomes: dict[Kind, set[Outcome]] = {}
    for seed in range(20):
        entry: Entry = Visitor("v1", host="www", transport=site, clock=site.clock, random=Random(seed)).act()
        outcomes.setdefault(entry.kind, set()).add(entry.outcome)

    assert outcomes == {
        Kind.PAGE: {Outcome.REFUSED},
        Kind.COMMENT: {Outcome.UNKNOWN},
        Kind.UPLOAD: {Outcome.UNKNOWN},
    }


def test_no_name_server_is_a_refusal_without_an_address() -> None:
    site = FakeSite()

    def nobody(name: str) -> Address:
        raise TransportError("no address", was_sent=False)

    site.resolve = nobody  # type: ignore[method-assign]
    entry = visitor_of(site).act()

    assert (entry.outcome, entry.address, entry.reason) == (Outcome.REFUSED, None, "no address")
    assert site.seen == []


def test_only_2xx_is_a_promise_and_a_server_error_leaves_it_open() -> None:
    assert judge_answer(Answer(201, None)) == (Outcome.ACKNOWLEDGED, None)
    assert judge_answer(Answer(200, None)) == (Outcome.ACKNOWLEDGED, None)
    assert judge_answer(Answer(302, None)) == (Outcome.UNKNOWN, "HTTP 302")
    assert judge_answer(Answer(409, None)) == (Outcome.REFUSED, "HTTP 409")
    assert judge_answer(Answer(503, None)) == (Outcome.UNKNOWN, "HTTP 503")
