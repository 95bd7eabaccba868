"""Programs. A command is data: words, a time limit, what exit statuses are fine. Never a shell string."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from failover.errors import ExitStatus, ProgramError


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run. `accepted` exit statuses are not errors; `stdin` is what it reads (nothing by default)."""

    argv: tuple[str, ...]
    timeout_seconds: float
    accepted: frozenset[int] = frozenset({0})
    stdin: bytes = b""
    environment: Mapping[str, str] | None = field(default=None)
    """The whole environment, or None for this process's own."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended. A program killed by signal N has `status` -N, as subprocess says it."""

    status: int
    stdout: bytes
    stderr: bytes


class Runner(Protocol):
    """Whoever runs commands: this machine, a host of the lab, a fake."""

    def run(self, command: Command) -> Result:
        """Run it to its end.

        Raises:
            ProgramError: not installed, over its time limit, or ended with a status that is not accepted;
                the message has the last line it said.
        """
        ...


class LocalRunner:
    """Runs commands on this machine."""

    def run(self, command: Command) -> Result:
        """Run it to its end; it is killed at its time limit."""
        try:
            done = subprocess.run(
                command.argv,
                input=command.stdin,
                capture_output=True,
                timeout=command.timeout_seconds,
                env=None if command.environment is None else dict(command.environment),
                check=False,
            )
        except FileNotFoundError:
            raise missing_program(command.argv[0]) from None
        except subprocess.TimeoutExpired:
            raise ProgramError(f"{command.argv[0]}: no end within {command.timeout_seconds:g} s") from None
        result = Result(done.returncode, done.stdout, done.stderr)
        if result.status not in command.accepted:
            raise ProgramError(describe_failure(command, result))
        return result


def describe_failure(command: Command, result: Result) -> str:
    """One line: the program, how it ended, the last thing it said."""
    said = (result.stderr.strip() or result.stdout.strip()).decode("utf-8", "replace").splitlines()
    end = f"killed by signal {-result.status}" if result.status < 0 else f"exit status {result.status}"
    return f"{command.argv[0]}: {end}" + (f": {said[-1]}" if said else "")


def missing_program(name: str) -> ProgramError:
    """The error for a program that is not installed."""
    return ProgramError(
        f"{name} is not installed",
        hint="install its package (in a checkout: make setup)",
        exit_status=ExitStatus.PROGRAM_MISSING,
    )


def find_program(name: str) -> str:
    """The absolute path of an installed program; /usr/sbin and /sbin are looked in as well.

    Raises:
        ProgramError: it is not installed.
    """
    path = shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")
    if path is None:
        raise missing_program(name)
    return path
