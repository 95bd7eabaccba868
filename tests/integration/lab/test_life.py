"""A lab leaves nothing, however it ends; two of them do not meet; root is not needed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from failover.errors import ExitStatus, LabError
from failover.lab.lab import Lab
from failover.lab.state import Folder, LabState, folder_of
from failover.system.clock import SystemClock
from failover.system.deadline import poll
from tests.integration.lab.reach import connect

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
OWNER = (sys.executable, str(HERE / "owner.py"))


def name_of(word: str) -> str:
    return f"test-{word}-{os.getpid()}"


def processes_of(name: str) -> list[int]:
    """All processes in namespaces of that lab, and its keeper: whoever has the lab's folder among its mounts."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The lab's own mounts; what runs outside sees none of them.
                if f"/{name}/ground" in (entry / "mounts").read_text():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def until_gone(name: str, seconds: float = 10) -> None:
    poll(
        lambda: not processes_of(name) or None,
        clock=SystemClock(),
        seconds=seconds,
        what=f"the end of {name}",
    )


@pytest.fixture
def owner() -> Iterator[tuple[subprocess.Popen[bytes], LabState]]:
    name = name_of("owned")
    with subprocess.Popen((*OWNER, name, "pair"), stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the owner failed"
        state = LabState.from_json(line)
        assert len(processes_of(name)) > 10
        yield process, state
        process.kill()
    until_gone(name)


def test_a_lab_in_order_leaves_nothing() -> None:
    name = name_of("order")
    with Lab.up(name) as lab:
        folder = folder_of(name).path
        assert folder.exists()
        assert processes_of(name) != []

    assert not folder.exists()
    assert processes_of(name) == []
    lab.down()


def test_killing_the_owner_ends_everything(owner: tuple[subprocess.Popen[bytes], LabState]) -> None:
    process, state = owner

    process.kill()
    until_gone(state.name)

    folder = folder_of(state.name).path
    poll(lambda: not folder.exists() or None, clock=SystemClock(), seconds=5, what="the folder's removal")


def test_killing_the_keeper_ends_everything(owner: tuple[subprocess.Popen[bytes], LabState]) -> None:
    _, state = owner

    os.kill(state.keeper, signal.SIGKILL)
    until_gone(state.name)

    with pytest.raises(LabError):
        Lab.attach(state.name)
    folder = folder_of(state.name).path
    with Lab.up(name_of("next")):
        assert not folder.exists(), "the next lab sweeps what a killed one left"


def test_killing_the_keeper_during_the_start_leaves_no_host() -> None:
    name = name_of("early")
    with subprocess.Popen((*OWNER, name), stdin=-1, stdout=-1, stderr=subprocess.DEVNULL) as process:
        keeper = poll(lambda: processes_of(name) or None, clock=SystemClock(), seconds=10, what="a start")
        os.kill(min(keeper), signal.SIGKILL)
        until_gone(name)
        process.kill()
    shutil.rmtree(folder_of(name).path, ignore_errors=True)


def test_a_keeper_that_dies_before_it_is_told_anything_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    class DeadBeforeTheFirstWord(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            self.wait()

    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    monkeypatch.setattr(subprocess, "Popen", DeadBeforeTheFirstWord)

    with pytest.raises(LabError, match="the lab's keeper died: it said nothing"):
        Lab.up(name_of("stillborn"))


def test_a_name_is_taken_once() -> None:
    name = name_of("once")
    with Lab.up(name):
        with pytest.raises(LabError, match=f"lab {name} is up already"):
            Lab.up(name)
        assert Lab.attach(name).host("web1").is_running


def test_two_labs_do_not_meet() -> None:
    with Lab.up(name_of("a")) as first, Lab.up(name_of("b")) as second:
        first.host("web1").write("/srv/first", b"x")
        first.host("web1").start_server(
            (sys.executable, "-m", "http.server", "8000"), log="/var/log/http.log"
        )
        own = poll(
            lambda: connect(first.host("web2"), first.host("web1"), port=8000).word == "open" or None,
            clock=SystemClock(),
            seconds=10,
            what="the server",
        )

        assert own
        assert connect(second.host("web2"), second.host("web1"), port=8000).word == "refused"
        assert not second.host("web1").exists("/srv/first")


def test_a_lab_without_owner_stays_until_it_is_told() -> None:
    name = name_of("free")
    code = f"from failover.lab.lab import Lab; Lab.up({name!r}, is_owned=False)"
    subprocess.run((sys.executable, "-c", code), check=True, timeout=30)

    lab = Lab.attach(name)
    assert lab.host("web1").run(("hostname",)).stdout == b"web1\n"
    lab.down()

    until_gone(name)
    assert not folder_of(name).path.exists()


def test_nothing_is_seen_in_the_machines_own_namespaces() -> None:
    def own() -> tuple[str, ...]:
        links = subprocess.run(("ip", "-brief", "link"), capture_output=True, check=True, text=True).stdout
        return (links, Path("/proc/self/mounts").read_text(), str(sorted(Path("/run").glob("netns/*"))))

    before = own()
    with Lab.up(name_of("quiet")):
        assert own() == before


@pytest.fixture
def user() -> Iterator[str]:
    if os.geteuid() != 0:
        pytest.skip(
            "only root can make another user to try it with; run as a plain user every test is that test"
        )
    if shutil.which("useradd") is None or shutil.which("newuidmap") is None:
        pytest.skip("useradd (passwd) or newuidmap (uidmap) is not installed")
    name = f"lab{os.getpid()}"
    subprocess.run(("useradd", "--create-home", name), check=True)
    labs = Path(f"/tmp/failover-lab-{pwd.getpwnam(name).pw_uid}")
    yield name
    shutil.rmtree(labs, ignore_errors=True)

    def is_removed() -> bool | None:
        # Refused while a process of the user is left, also a dead one that nobody has waited for yet.
        done = subprocess.run(("userdel", "--remove", name), check=False, capture_output=True)
        assert done.returncode in {0, 8}, done.stderr
        return done.returncode == 0 or None

    poll(is_removed, clock=SystemClock(), seconds=10, what=f"the removal of {name}")


def as_user(user: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, str(HERE / "as_user.py"), user, *words)


def test_a_pair_works_without_root(user: str) -> None:
    name = name_of("user")
    with subprocess.Popen(as_user(user, *OWNER, name, "pair"), stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the lab did not come up"
        state = LabState.from_json(line)
        assert state.is_rootless
        # Nothing runs as the machine's root.
        owners = {Path(f"/proc/{number}").stat().st_uid for number in processes_of(name)}
        assert 0 not in owners
        process.kill()
    until_gone(name)

    folder = Folder(Path(f"/tmp/failover-lab-{pwd.getpwnam(user).pw_uid}") / name).path
    poll(lambda: not folder.exists() or None, clock=SystemClock(), seconds=5, what="the folder's removal")


def test_a_user_without_a_range_of_numbers_is_told_what_to_do(user: str) -> None:
    for path in (Path("/etc/subuid"), Path("/etc/subgid")):
        kept = [line for line in path.read_text().splitlines(True) if not line.startswith(f"{user}:")]
        path.write_text("".join(kept))
    code = (
        "from failover.errors import LabError\nfrom failover.lab.lab import Lab\n"
        "try: Lab.up('x')\nexcept LabError as error: print(int(error.exit_status), error.hint)"
    )

    said = subprocess.run(
        as_user(user, sys.executable, "-c", code), stdout=subprocess.PIPE, check=True, timeout=30
    )

    status, _, hint = said.stdout.decode().partition(" ")
    assert int(status) == ExitStatus.NO_NAMESPACES
    assert "/etc/subuid" in hint
