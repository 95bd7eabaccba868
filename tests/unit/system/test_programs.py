from __future__ import annotations

import sys
from pathlib import Path

import pytest

from failover.errors import DeadlineError, ExitStatus, ProgramError, UnreachableError
from failover.system.clock import SystemClock
from failover.system.process import PipeProcess
from failover.system.remote import SshTarget
from failover.system.runner import Command, LocalRunner, find_program

CLOCK = SystemClock()


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_a_command_gets_its_input_and_gives_its_output() -> None:
    result = LocalRunner().run(Command(("cat",), timeout_seconds=5, stdin=b"hello"))

    assert (result.status, result.stdout) == (0, b"hello")


def test_a_status_that_is_accepted_is_no_error_and_another_one_says_the_last_line() -> None:
    failing = Command(python("import sys; print('first'); sys.exit('disk full')"), timeout_seconds=5)

    with pytest.raises(ProgramError, match="exit status 1: disk full"):
        LocalRunner().run(failing)
    accepted = Command(failing.argv, timeout_seconds=5, accepted=frozenset({0, 1}))
    assert LocalRunner().run(accepted).status == 1


def test_a_program_over_its_limit_is_ended() -> None:
    with pytest.raises(ProgramError, match=r"no end within 0\.2 s"):
        LocalRunner().run(Command(("sleep", "60"), timeout_seconds=0.2))


def test_a_program_that_is_not_installed_has_its_own_exit_status() -> None:
    with pytest.raises(ProgramError, match="no-such-program is not installed") as caught:
        LocalRunner().run(Command(("no-such-program",), timeout_seconds=1))

    assert caught.value.exit_status is ExitStatus.PROGRAM_MISSING
    with pytest.raises(ProgramError):
        find_program("no-such-program")


def test_a_pipe_carries_lines_both_ways() -> None:
    with PipeProcess(("cat",), clock=CLOCK) as process:
        process.write(b"one\ntwo\n", timeout_seconds=5)

        assert process.read_line(timeout_seconds=5) == b"one"
        assert process.read_line(timeout_seconds=5) == b"two"


def test_a_silent_pipe_is_a_deadline_not_a_hang() -> None:
    with (
        PipeProcess(("sleep", "60"), clock=CLOCK) as process,
        pytest.raises(DeadlineError, match="no answer"),
    ):
        process.read_line(timeout_seconds=0.1)


def test_a_pipe_that_takes_nothing_is_a_deadline_not_a_hang() -> None:
    with (
        PipeProcess(("sleep", "60"), clock=CLOCK) as process,
        pytest.raises(DeadlineError, match="took no data"),
    ):
        process.write(b"x" * 1_000_000, timeout_seconds=0.1)


def test_a_program_that_has_ended_says_its_last_words() -> None:
    argv = python("import sys; sys.exit('Permission denied (publickey).')")
    with (
        PipeProcess(argv, clock=CLOCK) as process,
        pytest.raises(UnreachableError, match=r"Permission denied"),
    ):
        process.read_line(timeout_seconds=5)


def test_closing_kills_what_does_not_end() -> None:
    process = PipeProcess(("sleep", "60"), clock=CLOCK)
    process.close(grace_seconds=0.05)

    assert process._child.returncode == -9


def test_ssh_never_asks_and_pins_the_host_key_whatever_the_operator_s_own_settings_are() -> None:
    target = SshTarget("10.0.0.1", "root", 2222, Path("/k"), Path("/known"), 3)
    argv = target.ssh_argv("failover agent")

    assert argv[:3] == ("ssh", "-F", "none")
    for option in ("BatchMode=yes", "StrictHostKeyChecking=yes", "UserKnownHostsFile=/known", "Port=2222"):
        assert option in argv
    assert argv[-4:] == ("root", "10.0.0.1", "--", "failover agent")
    assert "ControlMaster=auto" not in argv
