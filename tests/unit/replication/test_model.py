from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.errors import DatabaseError
from failover.replication.model import Gtid, GtidPosition, Verdict, parse_gtids
from tests.unit.replication.test_health import STANDBY

gtids = st.builds(
    Gtid,
    domain=st.integers(0, 2**32 - 1),
    server_id=st.integers(1, 2**32 - 1),
    sequence=st.integers(1, 2**64 - 1),
)
positions = st.builds(GtidPosition.of, st.lists(gtids, max_size=5))
small = st.builds(
    GtidPosition.of,
    st.lists(st.builds(Gtid, st.integers(0, 2), st.integers(1, 2), st.integers(1, 20)), max_size=4),
)


@given(positions)
def test_a_position_is_read_back_as_it_was_written(position: GtidPosition) -> None:
    assert GtidPosition.parse(str(position)) == position


@given(st.lists(gtids))
def test_a_list_is_read_back_sorted(some: list[Gtid]) -> None:
    assert parse_gtids(",".join(map(str, some))) == tuple(sorted(some))


@given(small, small)
def test_nothing_is_missing_exactly_when_all_is_contained(one: GtidPosition, other: GtidPosition) -> None:
    assert one.contains(other) == (one.missing_count(other) == 0)
    assert one.contains(one)
    assert one.contains(GtidPosition())


@given(small, small, small)
def test_containing_is_transitive(a: GtidPosition, b: GtidPosition, c: GtidPosition) -> None:
    if a.contains(b) and b.contains(c):
        assert a.contains(c)


@given(small, small)
def test_two_that_contain_each_other_are_equal(one: GtidPosition, other: GtidPosition) -> None:
    if one.contains(other) and other.contains(one):
        assert one == other


@given(st.lists(gtids, max_size=8))
def test_the_position_of_some_covers_their_numbers(some: list[Gtid]) -> None:
    position = GtidPosition.of(some)

    for gtid in some:
        last = position.last(gtid.domain)
        assert last is not None
        assert last.sequence >= gtid.sequence


def test_missing_is_counted_by_domain() -> None:
    standby = GtidPosition.parse("0-1-40,1-1-7")
    primary = GtidPosition.parse("0-1-42,1-1-7,2-1-3")

    assert standby.missing_by_domain(primary) == {0: 2, 2: 3}
    assert standby.missing_count(primary) == 5
    assert not standby.contains(primary)


def test_the_same_number_from_another_server_is_another_transaction() -> None:
    mine, theirs = GtidPosition.parse("0-1-21"), GtidPosition.parse("0-2-21")

    assert not mine.contains(theirs)
    assert mine.missing_count(theirs) == 1


def test_spaces_and_order_do_not_matter() -> None:
    assert str(GtidPosition.parse(" 1-1-7, 0-1-42")) == "0-1-42,1-1-7"


@pytest.mark.parametrize("text", ["0-1", "0-1-x", "0-1-2-3", "x", "-1-1-1", "0-1-1;0-1-2"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(DatabaseError, match="not a transaction's id"):
        GtidPosition.parse(text)


def test_a_domain_twice_is_no_position() -> None:
    with pytest.raises(DatabaseError, match="twice"):
        GtidPosition.parse("0-1-1,0-2-2")


def test_a_status_goes_through_json() -> None:
    text = json.dumps(asdict(STANDBY))

    assert json.loads(text)["replica"]["io_running"] == "yes"
    assert json.loads(text)["replica"]["seconds_behind"] == 0.0


def test_only_a_server_that_speaks_answers() -> None:
    assert {verdict for verdict in Verdict if not verdict.answers} == {
        Verdict.FROZEN,
        Verdict.REFUSED,
        Verdict.UNREACHABLE,
    }
