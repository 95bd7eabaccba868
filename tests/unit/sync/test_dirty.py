from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from failover.sync.dirty import DirtySet, Entry

_name = st.sampled_from([b"a", b"b", b"c", b"\xff"])
_path = st.lists(_name, max_size=4).map(b"/".join)
_operation = st.tuples(_path, st.booleans())


def _covers(entries: Sequence[tuple[bytes, bool]], path: bytes) -> bool:
    return any(
        path == top or (is_subtree and (not top or path.startswith(top + b"/")))
        for top, is_subtree in entries
    )


@given(st.lists(_operation))
def test_take_gives_exactly_what_a_plain_list_would(operations: list[tuple[bytes, bool]]) -> None:
    dirty = DirtySet()
    for number, (path, is_subtree) in enumerate(operations):
        dirty.add(path, since=float(number), is_subtree=is_subtree)

    taken = dirty.take()

    plain: dict[bytes, bool] = {}
    for path, is_subtree in operations:
        others = [other for other in operations if other != (path, is_subtree)]
        above = [(top, flag) for top, flag in others if flag and top != path]
        if not _covers(above, path):
            plain[path] = plain.get(path, False) or is_subtree
    assert {entry.path: entry.is_subtree for entry in taken} == plain
    assert list(taken) == sorted(taken)
    assert len(dirty) == 0
    assert dirty.oldest_since is None


@given(st.lists(_operation), st.integers(1, 3), st.integers(2, 6))
def test_limits_only_ever_cover_more(
    operations: list[tuple[bytes, bool]], children_limit: int, total_limit: int
) -> None:
    dirty = DirtySet(children_limit=children_limit, total_limit=total_limit)
    for number, (path, is_subtree) in enumerate(operations):
        added = dirty.add(path, since=float(number), is_subtree=is_subtree)
        assert len(dirty) <= total_limit
        if added is not None:
            assert _covers([(added.path, added.is_subtree)], path)
            assert added.is_subtree or not is_subtree

    count, taken = len(dirty), dirty.take()

    assert count == len(taken)
    pairs = [(entry.path, entry.is_subtree) for entry in taken]
    for path, is_subtree in operations:
        assert _covers(pairs, path)
        assert not is_subtree or _covers(pairs, path + b"/x" if path else b"x")


@given(st.lists(_operation, min_size=1), st.integers(1, 5))
def test_bounded_take_gives_the_oldest_and_keeps_the_rest(
    operations: list[tuple[bytes, bool]], limit: int
) -> None:
    dirty = DirtySet()
    for number, (path, is_subtree) in enumerate(operations):
        dirty.add(path, since=float(number), is_subtree=is_subtree)
    everything = sorted(dirty)

    taken = dirty.take(limit)

    assert len(taken) == min(limit, len(everything))
    rest = list(dirty)
    assert sorted([*taken, *rest]) == everything
    assert not rest or max(entry.since for entry in taken) <= min(entry.since for entry in rest)


@given(st.lists(_operation), st.lists(_operation))
def test_given_back_batch_is_waiting_again_with_its_age(
    first: list[tuple[bytes, bool]], second: list[tuple[bytes, bool]]
) -> None:
    dirty = DirtySet()
    for path, is_subtree in first:
        dirty.add(path, since=1.0, is_subtree=is_subtree)
    batch = dirty.take()
    for path, is_subtree in second:
        dirty.add(path, since=2.0, is_subtree=is_subtree)

    dirty.give_back(batch)

    pairs = [(entry.path, entry.is_subtree) for entry in dirty]
    assert all(_covers(pairs, entry.path) for entry in batch)
    assert dirty.oldest_since == (1.0 if batch else 2.0 if second else None)


def test_second_change_of_a_waiting_path_is_no_news() -> None:
    dirty = DirtySet()

    assert dirty.add(b"a/b", since=1.0) == Entry(b"a/b", False, 1.0)
    assert dirty.add(b"a/b", since=2.0) is None
    assert dirty.add(b"a", since=3.0, is_subtree=True) == Entry(b"a", True, 3.0)
    assert dirty.add(b"a/c", since=4.0) is None
    assert dirty.take() == (Entry(b"a", True, 1.0),)


def test_covers_looks_without_changing() -> None:
    dirty = DirtySet()
    dirty.add(b"a", since=0.0, is_subtree=True)

    assert dirty.covers(b"a/b/c")
    assert not dirty.covers(b"b/c")
    assert len(dirty) == 1
