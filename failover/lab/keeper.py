"""The keeper: one process a lab that holds everything a lab is made of, so that nothing outlives it.

`python -m failover.lab.keeper`, started by `failover.lab.lab`. Its first line of input says what to make; it answers with
one line when the hosts are up. Then the end of its input is the death of its owner, and takes the lab down.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from failover.errors import ExitStatus, FailoverError, LabError
from failover.lab import kernel
from failover.lab.first_process import HostPlan, Lines, fork_host, say
from failover.lab.kernel import MountFlag, Namespace
from failover.lab.own_root import needed_places
from failover.lab.state import Folder, HostState, LabState
from failover.lab.switch import Switch
from failover.lab.topology import PLACES, Place, place_of

NO_NAMESPACES_HINT = (
    "run it as root, or as a user install uidmap and see that /etc/subuid has a line for you; on Ubuntu also: "
    "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
)
_PAGE_BYTES = 4096


@dataclass(slots=True)
class _Machine:
    """A host, on or off."""

    place: Place
    plan: HostPlan
    pid: int | None = None
    lines: Lines | None = None


@dataclass
class Keeper:
    """The hosts and the switch between them. `boot` and `power_cut` and the rest are the orders of the control socket."""

    name: str
    folder: Folder
    disk_bytes: int
    is_rootless: bool
    shown: tuple[Path, ...]
    machines: dict[str, _Machine] = field(default_factory=dict)
    is_over: bool = False

    def start(self) -> None:
        """Make the switch and the hosts' disks, and boot all hosts at once.

        Raises:
            LabError: the kernel would not; with NO_NAMESPACES where this user may not have them.
        """
        try:
            kernel.unshare(Namespace.MOUNT | Namespace.NETWORK)
        except PermissionError:
            raise LabError(
                "this user may not make namespaces",
                hint=NO_NAMESPACES_HINT,
                exit_status=ExitStatus.NO_NAMESPACES,
            ) from None
        kernel.make_private()
        kernel.adopt_orphans()
        self.folder.ground.mkdir(mode=0o700, exist_ok=True)
        kernel.mount("tmpfs", self.folder.ground, "tmpfs", options="mode=755,size=1m")
        self._switch = Switch()
        for place in PLACES:
            disk = self.folder.ground / place.name
            disk.mkdir(mode=0o755)
            kernel.mount("tmpfs", disk, "tmpfs", options=f"mode=755,size={self.disk_bytes}")
            plan = HostPlan(place, disk, self.shown, self.is_rootless)
            self.machines[place.name] = _Machine(place, plan)
        self._boot(list(self.machines.values()))

    def carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        """One order of the control socket, answered.

        Raises:
            LabError: there is no such order or host, or it could not be done.
        """
        orders: dict[str, Callable[..., dict[str, Any]]] = {
            "boot": self._boot_one,
            "power_cut": self._power_cut,
            "start": self._start,
            "disk_size": self._disk_size,
            "plug": self._plug,
            "rate": self._rate,
            "relay": self._relay,
            "status": self._status,
            "down": self._down,
        }
        name = order.pop("order", "")
        if name not in orders:
            raise LabError(f"the keeper knows no order {name!r}")
        if "host" in order:
            host = order.pop("host")
            if host not in self.machines:
                raise LabError(f"there is no host {host!r}", hint=f"hosts: {', '.join(self.machines)}")
            return orders[name](self.machines[host], **order)
        return orders[name](**order)

    def stop(self) -> None:
        """Kill every host with all that runs in it, and wait until they are gone."""
        for machine in self.machines.values():
            if machine.pid is not None:
                os.kill(machine.pid, signal.SIGKILL)
        for machine in self.machines.values():
            if machine.pid is not None:
                os.waitpid(machine.pid, 0)
        if hasattr(self, "_switch"):
            self._switch.close()
        if self.folder.ground.is_mount():
            kernel.detach(self.folder.ground)  # what is mounted on cannot be removed

    def state(self) -> LabState:
        """What the state file says."""
        hosts = {
            name: HostState(machine.place.address, machine.pid) for name, machine in self.machines.items()
        }
        return LabState(self.name, os.getpid(), self.is_rootless, self.disk_bytes, hosts)

    def channels(self) -> dict[int, _Machine]:
        """The sockets that tell when a host dies by itself."""
        return {
            machine.lines.channel.fileno(): machine
            for machine in self.machines.values()
            if machine.lines is not None
        }

    def bury(self, machine: _Machine) -> None:
        """Note that a host has died by itself."""
        assert machine.pid is not None
        assert machine.lines is not None
        machine.lines.channel.close()
        os.waitpid(machine.pid, 0)
        machine.pid, machine.lines = None, None
        self._switch.forget(machine.place)
        self.folder.write(self.state())

    def _boot(self, machines: list[_Machine]) -> None:
        for machine in machines:
            machine.pid, channel = fork_host(machine.plan)
            machine.lines = Lines(channel)
        for machine in machines:
            _wait_for(machine, "apart")
        self._switch.connect({machine.place: machine.pid for machine in machines if machine.pid is not None})
        for machine in machines:
            assert machine.lines is not None
            say(machine.lines.channel, {"order": "wired"})
        for machine in machines:
            _wait_for(machine, "up")
            assert machine.pid is not None
            self._switch.finish(machine.place, machine.pid)
        self.folder.write(self.state())

    def _boot_one(self, machine: _Machine) -> dict[str, Any]:
        if machine.pid is not None:
            raise LabError(f"{machine.place.name} is on already")
        self._boot([machine])
        return {"pid": machine.pid}

    def _power_cut(self, machine: _Machine) -> dict[str, Any]:
        if machine.pid is not None:
            self._switch.pull(machine.place)
            os.kill(machine.pid, signal.SIGKILL)
            self.bury(machine)
        return {}

    def _start(
        self, machine: _Machine, argv: list[str], log: str, environment: dict[str, str]
    ) -> dict[str, Any]:
        if machine.lines is None:
            raise LabError(f"{machine.place.name} is off", hint="boot it first")
        say(machine.lines.channel, {"argv": argv, "log": log, "environment": environment})
        answer = machine.lines.next()
        if answer is None:
            raise LabError(f"{machine.place.name} died")
        if "error" in answer:
            raise LabError(f"{machine.place.name}: {answer['error']}")
        return answer

    def _disk_size(self, machine: _Machine, size_bytes: int | None) -> dict[str, Any]:
        """None: no more than is used now, so that not one more byte fits."""
        disk = machine.plan.disk
        if size_bytes is None:
            use = os.statvfs(disk)
            size_bytes = max(_PAGE_BYTES, (use.f_blocks - use.f_bfree) * use.f_frsize)
        try:
            kernel.mount("tmpfs", disk, "tmpfs", MountFlag.REMOUNT, f"size={size_bytes}")
        except OSError as error:
            raise LabError(
                f"{machine.place.name}'s disk cannot be of {size_bytes} bytes: {error.strerror}"
            ) from None
        return {"size_bytes": size_bytes}

    def _plug(self, machine: _Machine, is_plugged: bool) -> dict[str, Any]:
        self._switch.plug(machine.place, machine.pid, is_plugged=is_plugged)
        return {}

    def _rate(self, machine: _Machine, megabits_per_second: float | None) -> dict[str, Any]:
        self._switch.set_rate(machine.place, machine.pid, megabits_per_second)
        return {}

    def _relay(self, machine: _Machine, delay_seconds: float | None, is_holding: bool) -> dict[str, Any]:
        self._switch.set_relay(machine.place, machine.pid, delay_seconds=delay_seconds, is_holding=is_holding)
        return {}

    def _status(self) -> dict[str, Any]:
        lines = {name: self._switch.line(place_of(name)) for name in self.machines}
        return {
            name: {
                "address": machine.place.address,
                "pid": machine.pid,
                "is_plugged": lines[name].is_plugged,
                "megabits_per_second": lines[name].megabits_per_second,
                "is_relayed": lines[name].is_relayed,
            }
            for name, machine in self.machines.items()
        }

    def _down(self) -> dict[str, Any]:
        self.is_over = True
        return {}


def _wait_for(machine: _Machine, word: str) -> None:
    assert machine.lines is not None
    message = machine.lines.next()
    if message is None or message.get("word") != word:
        reason = "its first process died" if message is None else message.get("error", str(message))
        raise LabError(f"{machine.place.name} did not boot: {reason}")


def serve(keeper: Keeper, listener: socket.socket, owner: int | None) -> None:
    """Take orders until one says `down` or the owner is gone. One order at a time, each connection brings one."""
    while not keeper.is_over:
        channels = keeper.channels()
        waited = [listener.fileno(), *channels, *([] if owner is None else [owner])]
        readable, _, _ = select.select(waited, [], [])
        if owner in readable and not os.read(owner, 4096):
            return
        for descriptor in readable:
            if descriptor in channels and channels[descriptor].lines is not None:
                keeper.bury(channels[descriptor])
        if listener.fileno() in readable:
            connection, _ = listener.accept()
            with connection:
                _answer(keeper, connection)


def _answer(keeper: Keeper, connection: socket.socket) -> None:
    connection.settimeout(5)  # whoever connects and says nothing must not stop the lab
    try:
        order = Lines(connection).next()
        if order is None:
            return
        try:
            answer = keeper.carry_out(order)
        except FailoverError as error:
            answer = {"error": error.message, "hint": error.hint, "exit_status": int(error.exit_status)}
        except Exception as error:  # noqa: BLE001 - the lab has to outlive a fault of its own
            traceback.print_exc()
            answer = {
                "error": f"{type(error).__name__}: {error}",
                "hint": "see keeper.log in the lab's folder",
            }
        say(connection, answer)
    except (OSError, ValueError):
        traceback.print_exc()


def main() -> int:
    """Keep one lab, from the first line of input to the end."""
    specification = json.loads(_first_line())
    folder = Folder(Path(specification["folder"]))
    held = folder.hold()
    if held is None:
        return _fail(LabError(f"lab {specification['name']} is up already", hint="failover lab down"))
    for path in (folder.state, folder.control, folder.log):
        path.unlink(missing_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    keeper = Keeper(
        name=specification["name"],
        folder=folder,
        disk_bytes=specification["disk_bytes"],
        is_rootless=specification["is_rootless"],
        shown=needed_places(tuple(Path(path) for path in specification["shown"])),
    )
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            keeper.start()
        except (FailoverError, OSError) as error:
            return _fail(error)
        listener.bind(str(folder.control))
        folder.control.chmod(0o600)
        listener.listen(32)
        _let_go_of_output(folder.log)
        serve(keeper, listener, 0 if specification["is_owned"] else None)
    finally:
        keeper.stop()
        folder.remove()
    return 0


def _first_line() -> bytes:
    """Of the input, and not one byte more: nothing else may be waiting in a buffer when its end is looked for."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            raise SystemExit("no word on what to make")
        line += byte
    return line


def _fail(error: FailoverError | OSError) -> int:
    if isinstance(error, FailoverError):
        message = {"error": error.message, "hint": error.hint, "exit_status": int(error.exit_status)}
    else:
        message = {"error": f"{error.filename or 'the lab'}: {error.strerror}", "hint": NO_NAMESPACES_HINT}
        message["exit_status"] = int(ExitStatus.NO_NAMESPACES)
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
    return 1


def _let_go_of_output(log: Path) -> None:
    """Say that all is up, then keep nobody's terminal or pipe."""
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)


if __name__ == "__main__":
    sys.exit(main())
