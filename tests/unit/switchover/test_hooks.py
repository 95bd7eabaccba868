from __future__ import annotations

from pathlib import Path

import pytest

from failover.errors import ProgramError, SwitchoverError
from failover.switchover.hooks import find_hooks, run_hooks
from failover.system.runner import Command, Result
from tests.fakes.clock import FakeClock


class FakeRunner:
    def __init__(self, failing: str | None = None) -> None:
        self.commands: list[Command] = []
        self.failing = failing

    def run(self, command: Command) -> Result:
        self.commands.append(command)
        if self.failing and command.argv[0].endswith(self.failing):
            raise ProgramError("exit status 1: cannot reload nginx")
        return Result(0, b"", b"")


def hook(folder: Path, name: str, mode: int = 0o755, phase: str = "enter-primary") -> Path:
    path = folder / phase / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def test_hooks_run_in_the_order_of_their_names_with_the_phase_in_their_environment(tmp_path: Path) -> None:
    hook(tmp_path, "90-cache")
    hook(tmp_path, "10-mail.sh")
    runner = FakeRunner()
    environment = {"FAILOVER_NODE": "web1"}

    ran = run_hooks(
        tmp_path, "enter-primary", environment, runner=runner, clock=FakeClock(), timeout_seconds=5
    )

    assert ran == ("10-mail.sh", "90-cache")
    assert runner.commands[0].environment is not None
    assert runner.commands[0].environment["FAILOVER_PHASE"] == "enter-primary"
    assert runner.commands[0].environment["FAILOVER_NODE"] == "web1"
    assert 0 < runner.commands[0].timeout_seconds <= 5


def test_backups_and_files_that_are_not_executable_are_passed_over(tmp_path: Path) -> None:
    hook(tmp_path, "10-mail~")
    hook(tmp_path, "10-mail.bak")
    hook(tmp_path, ".10-mail.swp")
    hook(tmp_path, "README", mode=0o644)

    assert find_hooks(tmp_path, "enter-primary") == ()


def test_no_folder_means_no_hooks(tmp_path: Path) -> None:
    assert find_hooks(tmp_path / "none", "leave-primary") == ()


def test_a_hook_that_others_may_change_is_refused(tmp_path: Path) -> None:
    path = hook(tmp_path, "10-mail")
    path.chmod(0o777)

    with pytest.raises(SwitchoverError, match="can be changed by others") as caught:
        find_hooks(tmp_path, "enter-primary")

    assert caught.value.hint == f"chmod go-w {path}"


def test_an_unknown_phase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SwitchoverError, match="no phase"):
        find_hooks(tmp_path, "../enter-primary")


def test_the_first_hook_that_fails_ends_it_and_is_named(tmp_path: Path) -> None:
    for name in ("10-a", "20-b", "30-c"):
        hook(tmp_path, name)
    runner = FakeRunner(failing="20-b")

    with pytest.raises(SwitchoverError, match=r"enter-primary/20-b: .*cannot reload nginx"):
        run_hooks(tmp_path, "enter-primary", {}, runner=runner, clock=FakeClock(), timeout_seconds=5)

    assert [Path(command.argv[0]).name for command in runner.commands] == ["10-a", "20-b"]
