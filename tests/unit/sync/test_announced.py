from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from failover.sync.announced import AnnouncedLog, newer_than, read_announced
from failover.sync.checkpoint import Checkpoint, keep_checkpoint, read_checkpoint
from failover.sync.rules import Excludes


def test_announced_and_not_sent_is_kept(tmp_path: Path) -> None:
    log = AnnouncedLog(tmp_path, "www")
    log.announce(1, [b"a", b"caf\xe9\n"], [b"d"])
    log.announce(2, [b"b"], [])
    log.sent(1, [b"a"], [])

    # Without close: what a killed agent leaves behind.
    assert read_announced(tmp_path, "www") == (b"b", b"caf\xe9\n", b"d/")


def test_change_after_the_batch_was_taken_stays(tmp_path: Path) -> None:
    log = AnnouncedLog(tmp_path, "www")
    log.announce(1, [b"a"], [])
    log.announce(2, [b"a"], [])
    log.sent(1, [b"a"], [])

    assert read_announced(tmp_path, "www") == (b"a",)


def test_sent_subtree_covers_what_is_below(tmp_path: Path) -> None:
    log = AnnouncedLog(tmp_path, "www")
    log.announce(1, [b"d/x", b"d", b"dd"], [b"d/e"])
    log.sent(1, [], [b"d"])

    assert read_announced(tmp_path, "www") == (b"dd",)


def test_full_pass_clears_what_an_earlier_connection_left(tmp_path: Path) -> None:
    first = AnnouncedLog(tmp_path, "www")
    first.announce(900, [b"a"], [b"b"])
    second = AnnouncedLog(tmp_path, "www")
    assert read_announced(tmp_path, "www") == (b"a", b"b/")

    second.announce(1, [], [b""])
    second.sent(1, [], [b""])

    assert read_announced(tmp_path, "www") == ()


def test_torn_record_ends_the_log_and_is_cut_off(tmp_path: Path) -> None:
    log = AnnouncedLog(tmp_path, "www")
    log.announce(1, [b"whole"], [])
    path = tmp_path / "mirrors" / "www" / "announced"
    path.write_bytes(path.read_bytes() + b"\x94\x00\x02\x91\xc4\x20half")

    assert read_announced(tmp_path, "www") == (b"whole",)
    again = AnnouncedLog(tmp_path, "www")
    again.announce(1, [b"next"], [])
    assert read_announced(tmp_path, "www") == (b"next", b"whole")


def test_log_stays_small(tmp_path: Path) -> None:
    log = AnnouncedLog(tmp_path, "www")
    log.announce(1, [b"stays"], [])
    for number in range(2, 3000):
        log.announce(number, [b"x" * 500], [])
        log.sent(number, [b"x" * 500], [])

    assert (tmp_path / "mirrors" / "www" / "announced").stat().st_size < 2 * 1024 * 1024
    assert read_announced(tmp_path, "www") == (b"stays",)


@given(st.binary())
def test_any_file_can_be_read(tmp_path_factory, data: bytes) -> None:  # type: ignore[no-untyped-def]
    state = tmp_path_factory.mktemp("state")
    (state / "mirrors" / "www").mkdir(parents=True)
    (state / "mirrors" / "www" / "announced").write_bytes(data)

    read_announced(state, "www")


def test_newer_than_lists_what_changed_later(tmp_path: Path) -> None:
    (tmp_path / "d" / "skip").mkdir(parents=True)
    for name in ("d/old", "d/new", "d/skip/new"):
        (tmp_path / name).write_text("1")
    moment = datetime.now(UTC)
    os.utime(tmp_path / "d" / "new", ns=(0, int(moment.timestamp() * 1e9) + 10_000_000_000))

    found = newer_than(tmp_path, moment, Excludes(["skip/"]))

    assert b"d/new" in found
    assert b"d/skip/new" not in found


def test_checkpoint_is_read_back(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
    kept = Checkpoint("www", 3, moment, moment)

    assert read_checkpoint(tmp_path, "www") is None
    keep_checkpoint(tmp_path, tmp_path, kept)
    assert read_checkpoint(tmp_path, "www") == kept
    (tmp_path / "mirrors" / "www" / "checkpoint").write_text("{}")
    assert read_checkpoint(tmp_path, "www") is None
