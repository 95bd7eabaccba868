from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from failover.sync.announced import read_announced
from failover.sync.checkpoint import read_checkpoint
from failover.sync.status import MirrorState
from tests.integration.sync.pair import PRIMARY, STANDBY, Pair, read_json, until

pytestmark = pytest.mark.integration


def test_emptied_source_halts_and_deletes_nothing(pair: Pair) -> None:
    for number in range(5):
        (pair.source / f"site{number}").mkdir()
        (pair.source / f"site{number}" / "index.html").write_text("1")
    pair.start_daemon()

    os.kill(pair.daemon.pid, signal.SIGSTOP)  # type: ignore[union-attr]
    for entry in list(pair.source.iterdir()):
        shutil.rmtree(entry)
    os.kill(pair.daemon.pid, signal.SIGCONT)  # type: ignore[union-attr]
    status = pair.until_state(MirrorState.HALTED)

    assert status.last_error == "the source has been emptied"
    assert len(list(pair.target.iterdir())) == 5

    # Neither a restart nor files that come back make it go on by itself; the operator's word does.
    (pair.source / "restored").write_text("first of many")
    pair.stop_daemon()
    pair.start_daemon(wait=False)
    pair.until_state(MirrorState.HALTED)
    assert len(list(pair.target.iterdir())) == 5
    pair.control().resume()
    pair.until_state(MirrorState.IN_SYNC)
    assert pair.differences() == []


def test_source_moved_away_halts(pair: Pair) -> None:
    (pair.source / "f").write_text("1")
    pair.start_daemon()

    pair.source.rename(pair.base / "elsewhere")
    pair.until_state(MirrorState.HALTED)

    assert (pair.target / "f").exists()


def test_killed_daemon_converges_after_restart(pair: Pair) -> None:
    pair.start_daemon()
    for number in range(200):
        (pair.source / f"f{number}").write_text(str(number))
    pair.stop_daemon(signal.SIGKILL)
    (pair.source / "f1").unlink()
    (pair.source / "while-dead").write_text("1")

    pair.start_daemon()

    assert pair.differences() == []
    assert read_announced(pair.state_directory(STANDBY), "www") == ()


def test_standby_away_is_named_and_tried_seldom_and_caught_up_with(pair: Pair) -> None:
    pair.start_daemon()
    pair.stop_sshd()
    for number in range(50):
        (pair.source / f"f{number}").write_text("1")
    status = pair.until_state(MirrorState.PEER_UNREACHABLE)
    assert status.is_in_sync is False
    until(lambda: (pair.status() or status).waiting_paths == 50, what="the changes are collected")

    pair.start_sshd()
    pair.until_state(MirrorState.IN_SYNC)

    assert pair.differences() == []
    assert len([line for line in pair.log().splitlines() if "peer-unreachable" in line]) == 1


def test_one_pass_to_a_standby_that_refuses_ends_at_once_and_says_why(pair: Pair) -> None:
    pair.set_role(STANDBY, epoch=9, primary=STANDBY)
    done = pair.run("sync", "--once", "--timeout", "30")

    assert done.returncode != 0
    assert "the standby refuses" in done.stderr


def test_lower_epoch_is_refused(pair: Pair) -> None:
    (pair.source / "f").write_text("1")
    pair.set_role(STANDBY, epoch=2, primary=STANDBY)

    pair.start_daemon(wait=False)
    status = pair.until_state(MirrorState.REFUSED)

    assert "epoch 2" in (status.last_error or "")
    assert list(pair.target.iterdir()) == []


def test_promotion_of_the_standby_fences_a_running_primary(pair: Pair) -> None:
    pair.start_daemon()
    pair.set_role(STANDBY, epoch=2, primary=STANDBY)

    (pair.source / "f").write_text("1")
    pair.until_state(MirrorState.REFUSED)

    assert list(pair.target.iterdir()) == []


def test_announced_list_is_what_has_not_arrived(pair: Pair) -> None:
    """The connection is cut while the data is held up: rsync there is stopped before it gets any."""
    (pair.source / "old").write_text("1")
    pair.start_daemon()
    # An rsync that never answers, first in the receiving side's path.
    slow = pair.base / "bin"
    slow.mkdir()
    pair.slow_rsync(slow)

    (pair.source / "lost-1").write_text("1")
    (pair.source / "d").mkdir()
    (pair.source / "d" / "lost-2").write_text("1")
    until(
        lambda: {b"lost-1", b"d/"} <= set(read_announced(pair.state_directory(STANDBY), "www")),
        what="announced",
    )
    pair.stop_daemon(signal.SIGKILL)
    pair.stop_sshd()

    announced = set(read_announced(pair.state_directory(STANDBY), "www"))
    assert announced == {b"lost-1", b"d/"}
    assert not (pair.target / "lost-1").exists()


def test_no_role_is_passive_and_refresh_starts_it(pair: Pair) -> None:
    (pair.state_directory(PRIMARY) / "node.json").unlink()
    (pair.source / "f").write_text("1")

    pair.start_daemon(wait=False)
    status = pair.until_state(MirrorState.STOPPED)
    assert status.last_error == "this node has no role yet"
    pair.set_role(PRIMARY, epoch=1, primary=PRIMARY)
    pair.control().refresh()
    pair.until_state(MirrorState.IN_SYNC)

    assert pair.differences() == []


def test_stop_pushing_holds_until_refresh(pair: Pair) -> None:
    pair.start_daemon()
    pair.control().stop_pushing()
    (pair.source / "f").write_text("1")
    until(lambda: (status := pair.status()) is not None and status.waiting_paths == 1, what="it is collected")
    assert pair.until_state(MirrorState.WATCHING_ONLY).is_in_sync is False
    assert not (pair.target / "f").exists()

    pair.control().refresh()
    pair.until_state(MirrorState.IN_SYNC)

    assert pair.differences() == []


def test_drain_proves_equality_under_churn(pair: Pair) -> None:
    pair.start_daemon()
    chance = random.Random(7)

    for _ in range(4):
        _churn(pair.source, chance, 60)
        before = pair.differences()
        pair.drain()
        assert pair.differences() == [], before
        kept = read_checkpoint(pair.state_directory(STANDBY), "www")
        assert kept is not None
        assert kept.source_time.timestamp() * 1e9 >= max(
            path.lstat().st_mtime_ns for path in pair.source.rglob("*")
        )


def test_a_mirror_that_is_written_to_without_end_can_be_drained(pair: Pair) -> None:
    pair.start_daemon()
    has_ended = threading.Event()

    def write() -> None:
        number = 0
        while not has_ended.wait(0.01):
            number += 1
            (pair.source / f"w{number % 50}").write_text(str(number))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        (pair.source / "before").write_text("the drain")
        pair.drain()
        assert (pair.target / "before").read_text() == "the drain"
    finally:
        has_ended.set()
        writer.join()


def test_overflow_of_the_queue_still_converges(pair: Pair) -> None:
    pair.start_daemon()
    os.kill(pair.daemon.pid, signal.SIGSTOP)  # type: ignore[union-attr]
    for folder in range(60):
        (pair.source / f"d{folder}").mkdir()
    for number in range(6000):
        (pair.source / f"f{number}").write_text("1")
    os.kill(pair.daemon.pid, signal.SIGCONT)  # type: ignore[union-attr]
    for folder in range(60):
        (pair.source / f"d{folder}" / "later").write_text("1")

    pair.drain()

    assert pair.differences() == []


def test_excludes_mean_the_same_in_full_pass_and_batches(pair: Pair) -> None:
    patterns = ("*.tmp", "/cache/", "node_modules/", "a/b", "**/deep/*.log", "/x?z", "[0-9]*.bak", "top/***")
    pair.configure(exclude=patterns)
    names = (
        "k.tmp", "cache/f", "s/cache/f", "s/node_modules/m/f", "node_modules", "a/b/f", "s/a/b", "deep/k.log",
        "s/deep/k.log", "s/deep/d/k.log", "xyz", "s/xyz", "1.bak", "a.bak", "top/f", "s/top/f", "normal/f", "stays",
    )  # fmt: skip
    for name in names:
        path = pair.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    pair.start_daemon()
    after_full = _names(pair.target)

    shutil.rmtree(pair.target)
    pair.target.mkdir()
    pair.stop_daemon()
    staged = pair.base / "staged"
    shutil.copytree(pair.source, staged)
    for entry in list(pair.source.iterdir()):
        if entry.name != "stays":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    pair.start_daemon()
    for entry in sorted(staged.rglob("*")):
        place = pair.source / entry.relative_to(staged)
        place.mkdir() if entry.is_dir() else place.write_text("1")
    pair.drain()

    assert _names(pair.target) == after_full


def test_second_daemon_is_turned_away(pair: Pair) -> None:
    pair.start_daemon()

    done = pair.run("sync")

    assert done.returncode == 6
    assert "another sync daemon" in done.stderr


def test_wait_command(pair: Pair) -> None:
    pair.start_daemon()
    (pair.source / "f").write_text("1")

    done = pair.run("wait", "--timeout", "20")

    assert (done.returncode, pair.differences()) == (0, []), done.stderr


def test_status_file_follows(pair: Pair) -> None:
    pair.start_daemon()
    path = pair.base / PRIMARY / "run" / "sync-status.json"

    until(lambda: read_json(path)["mirrors"][0]["state"] == "in-sync", what="status file")
    assert pair.stop_daemon() == 0
    assert read_json(path)["mirrors"][0]["state"] == "stopped"


def test_idle_daemon_uses_no_cpu(pair: Pair) -> None:
    pair.start_daemon()
    pair.drain()
    assert pair.daemon is not None
    before = _cpu_ticks(pair.daemon.pid)
    (pair.source / "f").write_text("1")
    pair.drain()
    lines = len(pair.log().splitlines())

    start = _cpu_ticks(pair.daemon.pid)
    until(lambda: pair.idle_for(3.0), what="three seconds", seconds=5)

    assert start >= before
    assert _cpu_ticks(pair.daemon.pid) - start <= 2  # ticks of 10 ms; a ping now and then may meet one
    assert len(pair.log().splitlines()) == lines


def _churn(root: Path, chance: random.Random, steps: int) -> None:
    def folders() -> list[Path]:
        return [root, *(path for path in root.rglob("*") if path.is_dir())]

    for _ in range(steps):
        folder = chance.choice(folders())
        name = chance.choice("abcdefghij")
        path = folder / name
        kind = chance.randrange(6)
        if kind == 0 and not path.exists():
            (path / "x" / "y").mkdir(parents=True)
            (path / "x" / "y" / "z").write_text("z")
        elif kind == 1 and path.is_dir():
            shutil.rmtree(path)
        elif kind == 2 and path.exists():
            other = chance.choice(folders()) / chance.choice("klmnop")
            if not other.exists() and path not in other.parents:
                path.rename(other)
        elif kind == 3 and path.is_file():
            path.unlink()
        elif kind == 4 and path.exists():
            path.chmod(chance.choice((0o700, 0o755)))
        elif not path.is_dir():
            path.write_text(str(chance.random()))


def _names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_file_that_cannot_be_sent_holds_nothing_else_up(pair: Pair) -> None:
    """A directory on the standby that refuses changes: those paths stay dirty, all others arrive."""
    (pair.source / "locked").mkdir()
    pair.start_daemon()
    made = subprocess.run(["chattr", "+i", str(pair.target / "locked")], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("this file system has no immutable flag")
    try:
        (pair.source / "locked" / "f").write_text("1")
        until(lambda: (status := pair.status()) is not None and status.last_error, what="the error is said")
        (pair.source / "free").write_text("1")
        until((pair.target / "free").exists, what="the others go on")
        status = pair.status()
        assert status is not None
        assert (status.is_in_sync, status.waiting_paths) != (True, 0)
    finally:
        subprocess.run(["chattr", "-i", str(pair.target / "locked")], check=True)

    pair.drain()

    assert pair.differences() == []
