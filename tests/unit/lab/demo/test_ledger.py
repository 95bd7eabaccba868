from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.lab.demo.ledger import (
    AdmittedLoss,
    Entry,
    Holdings,
    Kind,
    Outcome,
    admitted_loss_from,
    entry_from,
    first_served_at,
    judge,
    longest_gap_seconds,
    rates_by_node,
)

NOTHING_HELD = Holdings(frozenset(), frozenset())


def entry(
    token: str,
    kind: Kind = Kind.COMMENT,
    outcome: Outcome = Outcome.ACKNOWLEDGED,
    *,
    at: float = 0.0,
    served_by: str | None = "web1",
) -> Entry:
    return Entry("v1", kind, token, outcome, at, at, served_by)


tokens = st.integers(0, 999999).map(lambda number: f"t-{number:06d}")
entries = st.lists(
    st.builds(entry, tokens, st.sampled_from(Kind), st.sampled_from(Outcome)),
    unique_by=lambda one: one.token,
)


@given(entries, st.data())
def test_every_acknowledged_write_is_there_or_reported_or_unreported(
    ledger: list[Entry], data: st.DataObject
) -> None:
    owed = [one.token for one in ledger if one.is_acknowledged_write]
    held = frozenset(data.draw(st.sets(st.sampled_from(owed))) if owed else ())
    listed = frozenset(data.draw(st.sets(st.sampled_from(owed))) if owed else ())
    admitted = AdmittedLoss(tuple(f"INSERT ... '{token}'" for token in listed), listed)

    judgement = judge(ledger, Holdings(held, held), admitted)

    assert judgement.acknowledged == len(owed)
    assert {one.token for one in judgement.lost} == set(owed) - held
    assert {one.token for one in judgement.unreported} == set(owed) - held - listed
    assert {one.token for one in judgement.false_alarms} == held & listed
    lost = sum(judgement.count_lost(kind) for kind in Kind)
    reported = sum(judgement.count_reported(kind) for kind in Kind)
    assert lost - reported == len(judgement.unreported)
    assert judgement.is_all_accounted_for == (bool(owed) and set(owed) <= held | listed)


@given(entries)
def test_an_entry_survives_its_line(ledger: list[Entry]) -> None:
    assert [entry_from(one.to_line()) for one in ledger] == ledger


@pytest.mark.parametrize("line", ["", "{}", "[]", "not json", '{"kind":"walk","outcome":"refused"}'])
def test_a_line_that_is_no_entry_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="not a ledger entry"):
        entry_from(line)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNKNOWN])
def test_what_was_not_acknowledged_is_not_owed(outcome: Outcome) -> None:
    judgement = judge([entry("a", outcome=outcome), entry("b", Kind.PAGE)], NOTHING_HELD)

    assert judgement.lost == ()
    assert not judgement.is_all_accounted_for, "nothing was acknowledged, so nothing was shown"


def test_a_comment_among_the_uploads_is_lost_all_the_same() -> None:
    judgement = judge([entry("a")], Holdings(frozenset(), frozenset({"a"})))

    assert judgement.count_lost(Kind.COMMENT) == 1


def test_a_report_admits_by_statement_text_and_by_file_name() -> None:
    admitted = admitted_loss_from(
        {
            "transactions": [
                {"gtid": "0-2-7", "time": "…", "statements": ["INSERT INTO comments VALUES ('c1')"]},
                {"gtid": "0-2-8", "time": "…", "statements": []},
            ],
            "files": ["site/uploads/u1", {"path": "site/uploads/u2", "size": 3}],
            "is_complete": True,
        }
    )

    assert admitted.is_complete
    assert [admitted.lists(entry(token)) for token in ("c1", "c2", "u1")] == [True, False, False]
    assert [admitted.lists(entry(token, Kind.UPLOAD)) for token in ("u1", "u2", "u3", "c1")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_listed_directory_does_not_admit_the_files_below_it() -> None:
    admitted = admitted_loss_from({"transactions": [], "files": ["site/uploads/"]})

    assert not admitted.lists(entry("u1", Kind.UPLOAD))
    assert not admitted.is_complete


def test_the_gap_is_the_longest_that_touches_the_span() -> None:
    ledger = [entry(str(at), at=at) for at in (0, 50, 99, 101, 104, 105, 150)]

    assert longest_gap_seconds(ledger, begin=100, end=104.5) == 3


def test_page_loads_do_not_shorten_the_gap() -> None:
    ledger = [entry("a", at=0), entry("b", Kind.PAGE, at=5), entry("c", at=10)]

    assert longest_gap_seconds(ledger, begin=1, end=9) == 10


@pytest.mark.parametrize("times", [(), (5,), (0, 5), (5, 10)])
def test_a_gap_without_both_its_ends_is_unknown(times: tuple[float, ...]) -> None:
    ledger = [entry(str(at), at=at) for at in times]

    assert longest_gap_seconds(ledger, begin=1, end=9) is None


def test_the_first_visit_counts_from_the_command_and_only_when_served() -> None:
    ledger = [
        entry("a", Kind.PAGE, at=1, served_by="web2"),
        entry("b", Kind.PAGE, Outcome.UNKNOWN, at=3, served_by="web2"),
        entry("c", Kind.PAGE, at=4, served_by="web1"),
        entry("d", Kind.PAGE, at=6, served_by="web2"),
        entry("e", Kind.PAGE, at=5, served_by="web2"),
    ]

    assert first_served_at(ledger, node="web2", since=2) == 5
    assert first_served_at(ledger, node="web3", since=2) is None


def test_rates_count_failures_apart() -> None:
    ledger = [
        entry("a", at=1.0),
        entry("b", at=9.5),
        entry("c", Kind.PAGE, at=9.6, served_by="web2"),
        entry("d", outcome=Outcome.REFUSED, at=9.9, served_by=None),
    ]

    assert rates_by_node(ledger, now=10, window_seconds=2) == {"": 0.5, "web1": 0.5, "web2": 0.5}
