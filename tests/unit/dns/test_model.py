from __future__ import annotations

import json

import pytest

from failover.dns.model import Change, RecordSet, Update

WWW = RecordSet("www.example.test.", "A", 60, frozenset({"10.77.0.11"}))
MOVED = RecordSet("www.example.test.", "A", 60, frozenset({"10.77.0.12"}))
MAIL = RecordSet("mail.example.test.", "A", 60, frozenset({"10.77.0.11"}))


def test_record_sets_that_mean_the_same_are_equal() -> None:
    one = RecordSet("WWW.Example.test", "AAAA", 60, frozenset({"FD77:0::11"}))

    assert one == RecordSet("www.example.test.", "AAAA", 60, frozenset({"fd77::11"}))


def test_a_record_set_without_values_is_none_instead() -> None:
    with pytest.raises(ValueError, match="without values"):
        RecordSet("www.example.test.", "A", 60, frozenset())


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (Change(WWW, MOVED), "www.example.test. A  10.77.0.11 → 10.77.0.12"),
        (Change(None, MOVED), "www.example.test. A  (none) → 10.77.0.12"),
        (Change(WWW, None), "www.example.test. A  10.77.0.11 → (none)"),
        (Change(WWW, WWW), "www.example.test. A  10.77.0.11 (unchanged)"),
        (
            Change(RecordSet(WWW.name, "A", 3600, WWW.values), MOVED),
            "www.example.test. A  10.77.0.11 → 10.77.0.12 (ttl 3600 → 60)",
        ),
        (
            Change(RecordSet(WWW.name, "A", 3600, WWW.values), WWW),
            "www.example.test. A  10.77.0.11 (ttl 3600 → 60)",
        ),
    ],
)
def test_a_change_is_one_line(change: Change, line: str) -> None:
    assert str(change) == line


def test_a_change_is_about_one_name_and_type() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Change(WWW, MAIL)
    with pytest.raises(ValueError, match="exactly one"):
        Change(None, None)


def test_an_update_is_sorted_and_has_no_name_twice() -> None:
    with pytest.raises(ValueError, match="sorted"):
        Update("example.test.", (Change(WWW, MOVED), Change(MAIL, MAIL)))
    with pytest.raises(ValueError, match="sorted"):
        Update("example.test.", (Change(WWW, MOVED), Change(WWW, MOVED)))


def test_an_update_goes_through_json() -> None:
    update = Update("example.test.", (Change(None, MAIL), Change(WWW, MOVED)))

    assert json.loads(json.dumps(update.as_json()))["changes"][1] == {
        "name": "www.example.test.",
        "type": "A",
        "before": {"ttl_seconds": 60, "values": ["10.77.0.11"]},
        "after": {"ttl_seconds": 60, "values": ["10.77.0.12"]},
    }
