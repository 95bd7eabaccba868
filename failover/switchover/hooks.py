"""Hooks: executables that belong to a phase of a role change, run in the order of their names.

`<hooks>/<phase>/NAME`, as run-parts(8) has it: names of letters, digits, `-`, `_` and `.`; editors' backups and
files that are not executable are passed over. The environment says what happens: FAILOVER_PHASE, FAILOVER_NODE,
FAILOVER_EPOCH.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from failover.errors import ProgramError, SwitchoverError
from failover.system.clock import Clock
from failover.system.deadline import Deadline
from failover.system.runner import Command, Runner

PHASES = ("leave-primary", "enter-primary", "enter-standby")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find_hooks(folder: Path, phase: str) -> tuple[Path, ...]:
    """The executables of a phase, in order.

    Raises:
        SwitchoverError: there is no such phase, or a hook could be changed by others than its owner: whoever
            may write it would be root at the next switchover.
    """
    if phase not in PHASES:
        raise SwitchoverError(f"there is no phase {phase!r}", hint=f"the phases are {', '.join(PHASES)}")
    try:
        entries = sorted((folder / phase).iterdir())
    except FileNotFoundError:
        return ()
    hooks = []
    for path in entries:
        if not _NAME.fullmatch(path.name) or path.name.endswith((".bak", ".orig", ".rpmsave", ".dpkg-old")):
            continue
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or not os.access(path, os.X_OK):
            continue
        if status.st_mode & 0o022:
            raise SwitchoverError(f"hook {path} can be changed by others", hint=f"chmod go-w {path}")
        hooks.append(path)
    return tuple(hooks)


def run_hooks(
    folder: Path,
    phase: str,
    environment: Mapping[str, str],
    *,
    runner: Runner,
    clock: Clock,
    timeout_seconds: float,
) -> tuple[str, ...]:
    """Run every hook of a phase within one time limit; the names that ran. The first that fails ends it.

    Raises:
        SwitchoverError: a hook failed or took too long; says which, and what it said last.
    """
    deadline = Deadline(clock, timeout_seconds)
    names = []
    for path in find_hooks(folder, phase):
        command = Command(
            argv=(str(path),),
            timeout_seconds=max(0.1, deadline.left_seconds),
            environment={"PATH": _PATH, "LANG": "C.UTF-8", "FAILOVER_PHASE": phase, **environment},
        )
        try:
            runner.run(command)
        except ProgramError as error:
            raise SwitchoverError(
                f"hook {phase}/{path.name}: {error.message}", hint=f"run it by hand: {path}"
            ) from error
        names.append(path.name)
    return tuple(names)
