from __future__ import annotations

import pytest

from failover.sync.safety import Baseline, RootFacts, accept, why_halt

_FINE = RootFacts(exists=True, is_directory=True, device=1, inode=2, has_entries=True)
_BASE = Baseline(device=1, inode=2, boot="now", had_entries=True)


def _facts(**changes: object) -> RootFacts:
    fields = {"exists": True, "is_directory": True, "device": 1, "inode": 2, "has_entries": True} | changes
    return RootFacts(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "part"),
    [
        (RootFacts(exists=False), "missing"),
        (RootFacts(exists=True), "not a directory"),
        (_facts(has_entries=None), "cannot be read"),
        (_facts(inode=3), "another directory"),
        (_facts(device=9), "another device"),
        (_facts(has_entries=False), "emptied"),
    ],
)
def test_broken_source_halts_with_its_reason(facts: RootFacts, part: str) -> None:
    reason = why_halt(facts, _BASE, boot="now")

    assert reason is not None
    assert part in reason


def test_sound_source_goes_on() -> None:
    assert why_halt(_FINE, _BASE, boot="now") is None
    assert why_halt(_FINE, None, boot="now") is None


def test_first_look_at_an_empty_source_is_fine() -> None:
    assert why_halt(_facts(has_entries=False), None, boot="now") is None


def test_device_number_may_change_with_a_boot() -> None:
    assert why_halt(_facts(device=9), _BASE, boot="next") is None


def test_once_seen_entries_are_remembered() -> None:
    first = accept(_facts(has_entries=False), None, boot="now")
    then = accept(_FINE, first, boot="now")
    later = accept(_facts(has_entries=False), then, boot="now")

    assert (first.had_entries, then.had_entries, later.had_entries) == (False, True, True)
