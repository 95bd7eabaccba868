from __future__ import annotations

import os
import shutil
from pathlib import Path

from failover.sync.batch import Plan, Planner, RecentlySent
from failover.sync.dirty import Entry
from failover.sync.rules import Excludes


def _plan(
    root: Path, *entries: tuple[bytes, bool], deletes: bool = True, exclude: tuple[str, ...] = ()
) -> Plan:
    planner = Planner(root, Excludes(exclude), deletes=deletes)
    return planner.plan([Entry(path, is_subtree, 0.0) for path, is_subtree in entries])


def test_present_paths_are_listed_themselves(tmp_path: Path) -> None:
    (tmp_path / "a" / "d").mkdir(parents=True)
    (tmp_path / "a" / "f").touch()

    plan = _plan(tmp_path, (b"a/f", False), (b"a/d", True))

    assert (plan.shallow, plan.deep) == ((b"a/f",), (b"a/d",))


def test_missing_path_is_its_parents_content(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    assert _plan(tmp_path, (b"a/gone", False)).shallow == (b"a/",)
    assert _plan(tmp_path, (b"gone", True)).shallow == (b"./",)
    assert _plan(tmp_path, (b"a/gone", False), deletes=False).is_empty


def test_missing_parents_are_told_by_the_topmost(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    assert _plan(tmp_path, (b"a/gone/x/y", False), (b"a/gone/z", True)).shallow == (b"a/",)


def test_nothing_is_looked_up_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "f").touch()
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "out")

    assert _plan(root, (b"link/f", False), (b"link/deep", True)).shallow == (b"", b"link")


def test_excluded_paths_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "f").touch()

    assert _plan(tmp_path, (b"cache/f", False), (b"x.tmp", False), exclude=("cache/", "*.tmp")).is_empty


def test_hard_link_without_its_other_names_is_said(tmp_path: Path) -> None:
    (tmp_path / "one").touch()
    os.link(tmp_path / "one", tmp_path / "two")

    assert _plan(tmp_path, (b"one", False)).half_linked == (b"one",)
    assert _plan(tmp_path, (b"one", False), (b"two", False)).half_linked == ()


def test_file_in_the_tick_of_its_last_batch_is_compared(tmp_path: Path) -> None:
    recent = RecentlySent()
    recent.note([b"f"], 1_000_000_000)

    assert recent.may_look_equal(b"f", 999_999_999)
    assert recent.may_look_equal(b"f", 1_010_000_000)
    assert not recent.may_look_equal(b"f", 1_100_000_000)
    assert not recent.may_look_equal(b"g", 999_999_999)


def test_root_that_is_gone_lists_nothing_below_it(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    shutil.rmtree(root)

    assert _plan(root, (b"a/b", False)).deep == ()
