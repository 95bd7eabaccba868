"""A lab from outside: bring one up, find one that is up, take it down.

with Lab.up(name="example") as lab:
    lab.host("web1").run(("hostname",))
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from failover.errors import ExitStatus, LabError, UsageError
from failover.lab.control import give_order, raise_error
from failover.lab.faults import Faults
from failover.lab.host import Host
from failover.lab.machines import NO_NAMESPACES_HINT
from failover.lab.own_root import clean_environment
from failover.lab.requirements import PROGRAMS, SEARCH_PATH, WITHOUT_ROOT, missing, require
from failover.lab.services import SERVICES
from failover.lab.state import Folder, LabState, every_folder, folder_of, make_labs_folder, remove_dead_labs
from failover.lab.topology import PLACES
from failover.system.runner import find_program

DEFAULT_NAME = "lab"
DISK_BYTES = 1 << 30
_DOWN_SECONDS = 10.0


class Lab:
    """A lab that is up: five hosts, the switch between them, and the faults it can be given."""

    def __init__(self, folder: Folder, keeper: subprocess.Popen[bytes] | None = None) -> None:
        self._folder = folder
        self._keeper = keeper
        self._hosts = {place.name: Host(place.name, folder, SERVICES) for place in PLACES}
        self.faults = Faults(self)

    @classmethod
    def up(
        cls,
        name: str = DEFAULT_NAME,
        *,
        is_owned: bool = True,
        disk_bytes: int = DISK_BYTES,
        shown: Sequence[Path] = (),
    ) -> Self:
        """Bring a lab up: hosts that have a network, a disk and nothing else; `failover.lab.pair` makes a pair of them.

        Owned, it goes down when this process ends, however it ends; not owned, when told to. `shown` are further
        places of this machine that the hosts may read.

        Raises:
            LabError: a lab of that name is up, a program is missing (PROGRAM_MISSING), or the kernel does not allow it
                (NO_NAMESPACES).
        """
        is_rootless = os.geteuid() != 0
        require(PROGRAMS)
        if is_rootless and (absent := missing(WITHOUT_ROOT)):
            raise LabError(
                f"without root a lab needs {' and '.join(requirement.program for requirement in absent)}",
                hint=NO_NAMESPACES_HINT,
                exit_status=ExitStatus.NO_NAMESPACES,
            )
        folder = folder_of(name)
        make_labs_folder(folder.path.parent)
        remove_dead_labs()
        specification = {
            "name": name,
            "folder": str(folder.path),
            "disk_bytes": disk_bytes,
            "is_rootless": is_rootless,
            "is_owned": is_owned,
            "shown": [str(path) for path in shown],
        }
        return cls(folder, _start_keeper(specification, is_rootless=is_rootless, is_owned=is_owned))

    @classmethod
    def attach(cls, name: str = DEFAULT_NAME) -> Self:
        """A lab that somebody else brought up.

        Raises:
            LabError: there is none of that name.
        """
        folder = folder_of(name)
        if not folder.is_held() or folder.read() is None:
            up = [other.path.name for other in every_folder() if other.is_held()]
            hint = f"up: {', '.join(up)}" if up else "failover lab up"
            raise LabError(f"lab {name} is not up", hint=hint)
        return cls(folder)

    @property
    def name(self) -> str:
        """Its name."""
        return self._folder.path.name

    @property
    def state(self) -> LabState:
        """Process numbers and addresses, as they are now.

        Raises:
            LabError: it is down.
        """
        state = self._folder.read()
        if state is None:
            raise LabError(f"lab {self.name} is not up", hint="failover lab up")
        return state

    @property
    def disk_bytes(self) -> int:
        """How big each host's disk is."""
        return self.state.disk_bytes

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All hosts."""
        return tuple(self._hosts.values())

    def host(self, name: str) -> Host:
        """A host by its name.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self._hosts:
            raise UsageError(f"there is no host {name!r}", hint=f"hosts: {', '.join(self._hosts)}")
        return self._hosts[name]

    def status(self) -> dict[str, Any]:
        """Of every host: its address, its process number (None: off), and the state of its cable."""
        return give_order(self._folder, "status")

    def order(self, order: str, **details: Any) -> dict[str, Any]:
        """An order to the keeper; see `failover.lab.machines.Machines.carry_out`."""
        return give_order(self._folder, order, **details)

    def in_switch(self, argv: Sequence[str], *, stdin: bytes = b"") -> bytes:
        """Run a program of this machine in the switch's network namespace; what it wrote.

        Raises:
            LabError: it failed.
        """
        state = self.state
        rootless = ("--user", "--setuid", "0", "--setgid", "0") if state.is_rootless else ()
        done = subprocess.run(
            (find_program("nsenter"), "--target", str(state.keeper), *rootless, "--net", "--", *argv),
            input=stdin,
            capture_output=True,
            env=clean_environment(),
            timeout=10,
            check=False,
        )
        if done.returncode != 0:
            raise LabError(f"{argv[0]} in the switch: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout

    def down(self) -> None:
        """Take it down: every process in it, its networks, its disks, its state. Nothing if it is down already."""
        try:
            give_order(self._folder, "down")
        except LabError:
            pass  # its keeper is dead or dying
        if self._keeper is not None:
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()
            try:
                self._keeper.wait(_DOWN_SECONDS)
            except subprocess.TimeoutExpired:
                self._keeper.kill()
                self._keeper.wait()
        end = time.monotonic() + _DOWN_SECONDS
        while (held := self._folder.hold()) is None:
            if time.monotonic() > end:
                raise LabError(f"lab {self.name} does not go down", hint=f"see {self._folder.log}")
            time.sleep(0.01)
        self._folder.remove()
        os.close(held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()


def _start_keeper(
    specification: dict[str, Any], *, is_rootless: bool, is_owned: bool
) -> subprocess.Popen[bytes] | None:
    """Start the keeper and wait for its word that all hosts are up."""
    argv: tuple[str, ...] = (sys.executable, "-P", "-m", "failover.lab.keeper")
    if is_rootless:
        # newuidmap(1) gives the range of /etc/subuid: the hosts have users of their own, and need their numbers.
        argv = (find_program("unshare"), "--user", "--map-auto", "--map-root-user", "--", *argv)
    environment = dict(os.environ)
    # A plain user's PATH may lack the places of ip and nft.
    environment["PATH"] = f"{environment.get('PATH', '')}:{SEARCH_PATH}".lstrip(":")
    with tempfile.TemporaryFile() as said:
        # A session of its own: Ctrl-C in a terminal must reach the owner first, and let it clean up in order.
        keeper = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
            env=environment,
        )
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        try:
            try:
                keeper.stdin.write(json.dumps(specification).encode() + b"\n")
                keeper.stdin.flush()
            except BrokenPipeError:
                pass  # it died at once: what it said tells why
            line = keeper.stdout.readline()
            if not line:
                keeper.wait()
                said.seek(0)
                last = (said.read().decode("utf-8", "replace").strip().splitlines() or ["it said nothing"])[
                    -1
                ]
                if is_rootless and "unshare" in last:
                    raise LabError(
                        f"no user namespace: {last}",
                        hint=NO_NAMESPACES_HINT,
                        exit_status=ExitStatus.NO_NAMESPACES,
                    )
                raise LabError(f"the lab's keeper died: {last}")
            raise_error(json.loads(line))
        except BaseException:
            try:
                keeper.stdin.close()
            except BrokenPipeError:
                pass  # what could not be written above is still in the buffer, and is tried again here
            keeper.stdout.close()
            keeper.wait()
            raise
        keeper.stdout.close()
    if is_owned:
        return keeper
    keeper.stdin.close()
    # Nobody waits for it any more; its exit status is of no interest, and a warning about it even less.
    keeper.returncode = 0
    return None
