from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.switchover.journal import Entry, JournalFolder, Kind, entry_from, progress_of

AT = "2026-01-01T00:00:00+00:00"


def entry(kind: Kind, step: str | None = None, **data: object) -> Entry:
    return Entry(kind, AT, step, data)


def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    journal = JournalFolder(tmp_path / "journal")
    lines = [entry(Kind.BEGUN, plan={"x": 1}).to_line(), entry(Kind.STARTED, "hold-site").to_line()]
    for line in lines:
        journal.append("20260101-planned-a", line)

    assert list(journal.read_newest()) == lines
    assert entry_from(lines[1]) == entry(Kind.STARTED, "hold-site")


def test_the_newest_operation_is_read_and_the_newest_of_a_kind(tmp_path: Path) -> None:
    journal = JournalFolder(tmp_path)
    journal.append("20260101-primary-dead-a", {"n": 1})
    journal.append("20260102-planned-b", {"n": 2})

    assert journal.read_newest() == ({"n": 2},)
    assert journal.read_newest("primary-dead") == ({"n": 1},)
    assert journal.read_newest("init") == ()


def test_a_line_torn_by_a_power_cut_is_left_out(tmp_path: Path) -> None:
    journal = JournalFolder(tmp_path)
    journal.append("a", {"n": 1})
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(b'{"n": 2, "ste')

    assert journal.read_newest() == ({"n": 1},)


def test_no_journal_is_an_empty_one(tmp_path: Path) -> None:
    assert JournalFolder(tmp_path / "none").read_newest() == ()


@pytest.mark.parametrize("name", ["../passwd", "a/b", ".hidden"])
def test_an_operation_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not an operation"):
        JournalFolder(tmp_path).append(name, {})


def test_a_step_undone_is_neither_done_nor_touched() -> None:
    progress = progress_of(
        [
            entry(Kind.BEGUN, plan={"p": 1}),
            entry(Kind.STARTED, "hold-site"),
            entry(Kind.DONE, "hold-site", result={"hooks": []}),
            entry(Kind.STARTED, "freeze-database"),
            entry(Kind.FAILED, "freeze-database", error="x"),
            entry(Kind.UNDOING, "freeze-database"),
            entry(Kind.UNDONE, "freeze-database"),
        ]
    )

    assert progress.plan == {"p": 1}
    assert progress.results == {"hold-site": {"hooks": []}}
    assert progress.touched == ("hold-site",)
    assert progress.outcome is None


kinds = st.sampled_from([Kind.STARTED, Kind.DONE, Kind.FAILED, Kind.UNDOING, Kind.UNDONE])
steps = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.tuples(kinds, steps)))
def test_a_step_is_touched_exactly_if_it_started_after_its_last_undo(history: list[tuple[Kind, str]]) -> None:
    progress = progress_of(entry(kind, step) for kind, step in history)

    for step in "abc":
        own = [kind for kind, name in history if name == step and kind in {Kind.STARTED, Kind.UNDONE}]
        assert (step in progress.touched) == (bool(own) and own[-1] is Kind.STARTED)
