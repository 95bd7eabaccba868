from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.sync.pair import Pair

pytestmark = pytest.mark.integration


def _make_tree(root: Path) -> None:
    base = os.fsencode(root)
    (root / "site" / "deep" / "er").mkdir(parents=True)
    (root / "empty").mkdir(mode=0o2775)
    (root / "site" / "index.html").write_text("<h1>hello</h1>")
    (root / "site" / "index.html").chmod(0o640)
    os.chown(root / "site" / "index.html", 33, 33)
    os.utime(root / "site" / "deep", ns=(1, 1_700_000_000_123_456_789))
    os.utime(root / "site" / "index.html", ns=(1, 1_600_000_000_987_654_321))
    (root / "site" / "dangling").symlink_to("../nowhere")
    (root / "site" / "outside").symlink_to("/etc/passwd")
    (root / "site" / "to-directory").symlink_to("deep")
    (root / "one").write_text("linked")
    os.link(root / "one", root / "site" / "two")
    for name in (
        b"caf\xe9",
        b"line\nbreak",
        b"[brackets] *?",
        b"-rf",
        b"quote'\"`$x",
        b" space ",
        b"\xff\x01",
    ):
        with open(base + b"/" + name, "wb") as file:
            file.write(name)
    with (root / "sparse").open("wb") as file:
        file.seek(1_000_000)
        file.write(b"end")
    os.mkfifo(root / "fifo")
    try:
        os.setxattr(root / "one", "user.failover", b"value")
    except OSError:
        pass  # a file system without them


def test_full_pass_copies_everything_as_it_is(pair: Pair) -> None:
    _make_tree(pair.source)
    (pair.target / "stale").write_text("goes away")

    pair.start_daemon()

    assert pair.differences() == []


def test_sync_once_makes_equal_and_ends(pair: Pair) -> None:
    _make_tree(pair.source)

    done = pair.run("sync", "--once", "--timeout", "30")

    assert (done.returncode, pair.differences()) == (0, []), done.stderr


def test_changes_after_the_full_pass_arrive(pair: Pair) -> None:
    _make_tree(pair.source)
    pair.start_daemon()
    root = pair.source
    (root / "site" / "index.html").write_text("changed")
    (root / "one").unlink()
    (root / "site").rename(root / "moved")
    (root / "moved" / "deep" / "er" / "new").write_text("new")
    (root / os.fsdecode(b"caf\xe9")).rename(root / os.fsdecode(b"th\xe9\n"))
    (root / "empty").chmod(0o700)
    os.chown(root / "fifo", 7, 8)
    (root / "a" / "b" / "c" / "d" / "e").mkdir(parents=True)
    (root / "a" / "b" / "c" / "d" / "e" / "f").write_text("deep")

    pair.drain()

    assert pair.differences() == []


def test_directory_becomes_file_and_file_becomes_directory(pair: Pair) -> None:
    (pair.source / "x").mkdir()
    (pair.source / "x" / "in").write_text("1")
    (pair.source / "y").write_text("2")
    pair.start_daemon()

    (pair.source / "x" / "in").unlink()
    (pair.source / "x").rmdir()
    (pair.source / "x").write_text("now a file")
    (pair.source / "y").unlink()
    (pair.source / "y").mkdir()
    (pair.source / "y" / "in").write_text("3")
    pair.drain()

    assert pair.differences() == []


def test_directory_replaced_by_a_link_out_of_the_mirror_changes_nothing_there(pair: Pair) -> None:
    outside = pair.base / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    (pair.source / "d").mkdir()
    (pair.source / "d" / "f").write_text("1")
    pair.start_daemon()

    (pair.source / "d" / "f").unlink()
    (pair.source / "d").rmdir()
    (pair.source / "d").symlink_to(outside)
    (outside / "precious").write_text("still mine")
    pair.drain()

    assert pair.differences() == []
    assert (pair.target / "d").is_symlink()


def test_hard_link_changed_through_one_name_changes_both(pair: Pair) -> None:
    (pair.source / "one").write_text("old")
    os.link(pair.source / "one", pair.source / "two")
    pair.start_daemon()

    (pair.source / "one").write_text("new content")
    pair.drain()

    assert pair.differences() == []


def test_file_rewritten_in_the_same_tick_and_size_arrives(pair: Pair) -> None:
    pair.start_daemon()

    for number in range(300):
        (pair.source / "counter").write_text(f"{number:06d}")
    pair.drain()

    assert pair.differences() == []
