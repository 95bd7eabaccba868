"""The hosts of a lab and the switch between them, as the keeper has them: made, booted, cut off, given orders."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from failover.errors import ExitStatus, LabError
from failover.lab import kernel
from failover.lab.first_process import HostPlan, Lines, fork_host, say
from failover.lab.kernel import MountFlag, Namespace
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
class Machines:
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
        answer = _hear(machine)
        if answer is None:
            raise LabError(f"{machine.place.name} died or hangs")
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
    message = _hear(machine)
    if message is None or message.get("word") != word:
        reason = "its first process died or hangs" if message is None else message.get("error", str(message))
        raise LabError(f"{machine.place.name} did not boot: {reason}")


def _hear(machine: _Machine) -> dict[str, Any] | None:
    assert machine.lines is not None
    try:
        return machine.lines.next()
    except TimeoutError:
        return None
