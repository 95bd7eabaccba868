from __future__ import annotations

from pathlib import Path

from failover.system.lock import FileLock


def test_the_second_one_learns_who_holds_it_and_gets_it_after_release(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "run" / "lock"), FileLock(tmp_path / "run" / "lock")

    assert first.acquire("ann (process 1)") is None
    assert second.acquire("bob (process 2)") == "ann (process 1)"
    first.release()
    assert second.acquire("bob (process 2)") is None
    assert FileLock(tmp_path / "run" / "lock").acquire("eve") == "bob (process 2)"


def test_leaving_the_block_releases_it(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock") as lock:
        assert lock.acquire("ann") is None

    assert FileLock(tmp_path / "lock").acquire("bob") is None
