from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from failover.errors import ExitStatus
from failover.lab.state import labs_folder

pytestmark = pytest.mark.scenario

PLANNED = {"write_block_seconds", "lost_writes"}
DEAD = {
    "database_writable_seconds",
    "dns_agreed_seconds",
    "first_visit_seconds",
    "acknowledged_writes",
    "lost_writes",
    "lost_writes_reported",
    "lost_files",
    "lost_files_reported",
}
_CHILD_SUBREAPER = 36
_GONE_SECONDS = 10.0


class Demo:
    """`failover demo` as a process, and whatever of it is left."""

    def __init__(self, *words: str) -> None:
        self.name = f"demo-test-{os.getpid()}-{time.monotonic_ns() % 1_000_000}"
        self.process = subprocess.Popen(
            (sys.executable, "-m", "failover", "demo", "--name", self.name, *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.stderr = self.process.stderr

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """A test that failed must not leave its demo to the next one."""
        self.process.kill()
        self.process.communicate(timeout=_GONE_SECONDS)
        self.left()

    def read_until(self, words: str) -> None:
        """Read its progress up to the line that has these words."""
        said = []
        for line in self.stderr:
            said.append(line)
            if words in line:
                return
        raise AssertionError(f"{words!r} never came:\n{''.join(said)}")

    def left(self) -> list[str]:
        """What it left behind, after a moment of grace."""
        end = time.monotonic() + _GONE_SECONDS
        while (left := [*_children(), *self._places()]) and time.monotonic() < end:
            time.sleep(0.1)
        return left

    def _places(self) -> list[str]:
        folder = labs_folder()
        return [str(path) for path in (folder.iterdir() if folder.is_dir() else ()) if self.name in path.name]


def _children() -> list[str]:
    """Processes that this one has become the parent of, but for the dead, which it buries."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        for number in (task / "children").read_text().split():
            try:
                is_dead = os.waitpid(int(number), os.WNOHANG)[0] != 0
            except ChildProcessError:
                continue
            if not is_dead:
                found.append(Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.fixture(autouse=True)
def _parent_of_orphans() -> Iterator[None]:
    """Orphans below this process become its children, so that none can hide."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    assert _children() == []
    yield
    assert libc.prctl(_CHILD_SUBREAPER, 0, 0, 0, 0) == 0


def test_the_demo_holds_gives_every_number_and_leaves_nothing() -> None:
    with Demo("--json") as demo:
        stdout, stderr = demo.process.communicate(timeout=180)
        result: dict[str, Any] = json.loads(stdout)

        assert result["held"] is True, f"{json.dumps(result, indent=1)}\n{stderr}"
        assert demo.process.returncode == ExitStatus.DONE
        assert result["planned"].keys() >= PLANNED
        assert result["dead"].keys() >= DEAD
        assert all(value is not None for part in ("planned", "dead") for value in result[part].values())
        assert result["planned"]["lost_writes"] == 0
        assert result["dead"]["acknowledged_writes"] > result["planned"]["acknowledged_writes"] > 50
        assert result["dead"]["lost_writes"] == result["dead"]["lost_writes_reported"]
        assert result["dead"]["lost_files"] == result["dead"]["lost_files_reported"]
        assert 0 < result["planned"]["write_block_seconds"] < 10
        for name in ("database_writable_seconds", "dns_agreed_seconds", "first_visit_seconds"):
            assert 0 < result["dead"][name] < 30
        assert demo.left() == []


@pytest.mark.parametrize(
    "moment", ["the lab comes up", "gets its roles", "visitors come in", "loses its power"]
)
def test_ctrl_c_at_any_moment_leaves_nothing(moment: str) -> None:
    with Demo() as demo:
        demo.read_until(moment)
        # In the middle of what the line announces, not at its very beginning.
        time.sleep(0.3)
        demo.process.send_signal(signal.SIGINT)
        stdout, _ = demo.process.communicate(timeout=30)

        assert demo.process.returncode == ExitStatus.INTERRUPTED
        assert stdout == ""
        assert demo.left() == []


def test_an_impatient_second_ctrl_c_does_not_cut_the_clearing_up() -> None:
    with Demo() as demo:
        demo.read_until("visitors come in")
        for _ in range(5):
            demo.process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        demo.process.communicate(timeout=30)

        assert demo.process.returncode == ExitStatus.INTERRUPTED
        assert demo.left() == []


def test_kill_9_leaves_nothing() -> None:
    with Demo() as demo:
        demo.read_until("visitors come in")
        time.sleep(0.5)
        demo.process.kill()
        demo.process.communicate(timeout=30)

        assert demo.left() == []


@pytest.mark.parametrize("words", [("--visitors", "0"), ("--seconds", "-1"), ("--name", "no such/name")])
def test_an_option_that_makes_no_sense_is_a_usage_error_before_anything_is_made(
    words: tuple[str, str],
) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "failover", "demo", *words),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == ExitStatus.USAGE
    assert done.stderr.startswith("failover: ")
    assert done.stdout == ""
