from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.errors import MirrorError
from failover.sync.rules import Excludes
from failover.sync.watch.binding import OVERFLOW, parse_events
from failover.sync.watch.inotify import InotifyWatcher
from failover.sync.watch.interface import Hint, HintKind
from failover.sync.watch.tree import WatchTree


@pytest.fixture
def watcher() -> Iterator[InotifyWatcher]:
    watcher = InotifyWatcher()
    yield watcher
    watcher.close()


def _start(watcher: InotifyWatcher, root: Path, *excludes: str) -> None:
    watcher.start(root, Excludes(excludes))
    watcher.read()


def _read(watcher: InotifyWatcher) -> set[tuple[bytes, HintKind]]:
    return {(hint.path, hint.kind) for hint in watcher.read()}


def test_save_is_reported_once_as_whole(watcher: InotifyWatcher, tmp_path: Path) -> None:
    _start(watcher, tmp_path)
    (tmp_path / "f").write_text("1")

    assert _read(watcher) == {(b"f", HintKind.PATH)}


def test_open_file_is_reported_as_under_way(watcher: InotifyWatcher, tmp_path: Path) -> None:
    _start(watcher, tmp_path)
    with (tmp_path / "f").open("w") as file:
        file.write("1")
        file.flush()

        assert _read(watcher) == {(b"f", HintKind.WRITING)}


def test_any_byte_in_a_name(watcher: InotifyWatcher, tmp_path: Path) -> None:
    base = os.fsencode(tmp_path)
    Path(os.fsdecode(base + b"/d\xff\n")).mkdir()
    _start(watcher, tmp_path)
    with open(base + b"/d\xff\n/caf\xe9", "wb"):
        pass

    assert _read(watcher) == {(b"d\xff\n/caf\xe9", HintKind.PATH)}


def test_new_directory_is_a_subtree_and_watched_with_all_in_it(
    watcher: InotifyWatcher, tmp_path: Path
) -> None:
    _start(watcher, tmp_path)
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    assert (b"a", HintKind.SUBTREE) in _read(watcher)

    (tmp_path / "a" / "b" / "c" / "f").write_text("1")

    assert _read(watcher) == {(b"a/b/c/f", HintKind.PATH)}


def test_moved_directory_keeps_its_watches_under_the_new_name(
    watcher: InotifyWatcher, tmp_path: Path
) -> None:
    (tmp_path / "old" / "deep").mkdir(parents=True)
    _start(watcher, tmp_path)
    before = watcher.watching.directories
    (tmp_path / "old").rename(tmp_path / "new")

    assert _read(watcher) == {(b"old", HintKind.PATH), (b"new", HintKind.SUBTREE)}
    (tmp_path / "new" / "deep" / "f").write_text("1")
    assert _read(watcher) == {(b"new/deep/f", HintKind.PATH)}
    assert watcher.watching.directories == before


def test_directory_moved_out_is_watched_no_more(watcher: InotifyWatcher, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "d" / "deep").mkdir(parents=True)
    _start(watcher, root)
    (root / "d").rename(tmp_path / "away")
    assert _read(watcher) == {(b"d", HintKind.PATH)}

    (tmp_path / "away" / "deep" / "f").write_text("1")

    assert _read(watcher) == set()
    assert watcher.watching.directories == 1


def test_moved_out_and_back_under_another_name(watcher: InotifyWatcher, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "d" / "deep").mkdir(parents=True)
    _start(watcher, root)
    (root / "d").rename(tmp_path / "away")
    watcher.read()
    (tmp_path / "away").rename(root / "back")
    assert _read(watcher) == {(b"back", HintKind.SUBTREE)}

    (root / "back" / "deep" / "f").write_text("1")

    assert _read(watcher) == {(b"back/deep/f", HintKind.PATH)}


def test_removed_and_made_again(watcher: InotifyWatcher, tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    _start(watcher, tmp_path)
    (tmp_path / "d" / "e").rmdir()
    (tmp_path / "d").rmdir()
    (tmp_path / "d" / "e").mkdir(parents=True)
    watcher.read()

    (tmp_path / "d" / "e" / "f").write_text("1")

    assert _read(watcher) == {(b"d/e/f", HintKind.PATH)}
    assert watcher.watching.directories == 3


def test_excluded_directory_is_not_watched(watcher: InotifyWatcher, tmp_path: Path) -> None:
    (tmp_path / "cache" / "deep").mkdir(parents=True)
    _start(watcher, tmp_path, "cache/", "*.tmp")
    (tmp_path / "cache" / "f").write_text("1")
    (tmp_path / "f.tmp").write_text("1")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "cache").mkdir()

    assert _read(watcher) == {(b"d", HintKind.SUBTREE)}
    assert watcher.watching.directories == 2


def test_links_are_not_followed(watcher: InotifyWatcher, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    _start(watcher, root)
    (tmp_path / "outside" / "f").write_text("1")

    assert _read(watcher) == set()


def test_cookie_is_told_apart(watcher: InotifyWatcher, tmp_path: Path) -> None:
    _start(watcher, tmp_path)
    (tmp_path / ".failover-cookie-1-1").touch()

    assert _read(watcher) == {(b".failover-cookie-1-1", HintKind.COOKIE)}


def test_attributes_of_the_root_count(watcher: InotifyWatcher, tmp_path: Path) -> None:
    _start(watcher, tmp_path)
    tmp_path.chmod(0o711)

    assert _read(watcher) == {(b"", HintKind.PATH)}


def test_lost_root_is_said(watcher: InotifyWatcher, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    _start(watcher, root)
    root.rename(tmp_path / "moved")

    assert (b"", HintKind.SUBTREE) in _read(watcher)
    assert watcher.watching.is_root_lost


def test_overflow_makes_everything_dirty_and_watches_again(
    watcher: InotifyWatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _start(watcher, tmp_path)
    (tmp_path / "d").mkdir()
    os.read(watcher.fileno(), 65536)  # what an overflow drops
    event = next(parse_events(struct.pack("iIII", -1, OVERFLOW, 0, 0)))
    with monkeypatch.context() as patch:
        patch.setattr(watcher._open, "events", lambda: iter([event]))
        assert watcher.read() == (Hint(b"", HintKind.SUBTREE),)

    (tmp_path / "d" / "f").write_text("1")

    assert _read(watcher) == {(b"d/f", HintKind.PATH)}


def test_watch_limit_degrades_and_says_so(
    watcher: InotifyWatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _start(watcher, tmp_path)

    def full(path: bytes) -> int:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(watcher._open, "add", full)
    (tmp_path / "d").mkdir()

    assert _read(watcher) == {(b"d", HintKind.SUBTREE)}
    assert "max_user_watches" in (watcher.watching.degraded or "")


def test_missing_root_cannot_be_watched(watcher: InotifyWatcher, tmp_path: Path) -> None:
    with pytest.raises(MirrorError):
        watcher.start(tmp_path / "nowhere", Excludes())


def test_descriptor_is_not_inherited(watcher: InotifyWatcher, tmp_path: Path) -> None:
    _start(watcher, tmp_path)

    assert not os.get_inheritable(watcher.fileno())
    assert not os.get_blocking(watcher.fileno())


@given(st.binary(max_size=200))
def test_any_buffer_is_parsed_to_an_end(data: bytes) -> None:
    list(parse_events(data))


def test_tree_moves_a_directory_with_all_below() -> None:
    tree = WatchTree(1)
    tree.place(2, 1, b"a")
    tree.place(3, 2, b"b")
    tree.place(4, 1, b"c")

    tree.place(2, 4, b"x")

    assert tree.path(3, b"f") == b"c/x/b/f"
    assert tree.child(1, b"a") is None
    assert sorted(tree.forget(4)) == [2, 3, 4]
    assert len(tree) == 1


def test_tree_gives_up_what_stood_at_a_place() -> None:
    tree = WatchTree(1)
    tree.place(2, 1, b"a")
    tree.place(3, 2, b"b")

    assert sorted(tree.place(9, 1, b"a")) == [2, 3]
    assert tree.path(9) == b"a"
