"""What can go wrong, as methods of a lab. Each begins at once and says how to end it: `Fault.undo`, or a with block."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from failover.errors import LabError, UsageError
from failover.lab.filters import drop_table, loss_table, reject_table, removal, tables_about
from failover.lab.own_root import WRAPPER, wrapper_script
from failover.lab.requirements import WRONG_CLOCK, require
from failover.lab.services.mariadb import PROGRAM, MariaDb
from failover.lab.topology import Place, place_of

if TYPE_CHECKING:
    from failover.lab.host import Host
    from failover.lab.lab import Lab

How = Literal["drop", "reject"]
Direction = Literal["both", "a-to-b", "b-to-a"]


class Fault:
    """Something that is wrong now."""

    def __init__(self, description: str, undo: Callable[[], None]) -> None:
        self.description = description
        self._undo: Callable[[], None] | None = undo

    def undo(self) -> None:
        """Make it right again. A second time does nothing."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()


class Faults:
    """The faults a lab can be given. Those of the cable stay over a power cut of the host, as they would."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def power_cut(self, host: str) -> Fault:
        """Everything in the host is gone at once and its peers hear nothing of it; undone by booting it."""
        machine = self._lab.host(host)
        machine.power_cut()

        def undo() -> None:
            if not machine.is_running:  # somebody may have booted it meanwhile
                machine.boot()

        return Fault(f"{host} is without power", undo)

    def partition(self, a: str, b: str, *, how: How = "drop", direction: Direction = "both") -> Fault:
        """Two hosts do not reach each other any more, all others do.

        `drop`: the switch loses what one sends to the other. `reject`: who gets it refuses it, TCP with a reset; a
        host forgets that over a power cut. One direction is enough to stop TCP in both, but not, for example, UDP.
        """
        pairs = {"a-to-b": ((a, b),), "b-to-a": ((b, a),), "both": ((a, b), (b, a))}[direction]
        places = tuple((self._place(source), self._place(target)) for source, target in pairs)
        name = f"partition_{a}_{b}"
        if how == "reject":
            for source, target in places:
                self._filter_in(target, reject_table(name, source))
        else:
            self._filter(drop_table(name, places))

        def undo() -> None:
            if how == "drop":
                self._filter(removal("bridge", name))
                return
            for _, target in places:
                self._filter_in(target, removal("ip", name))

        return Fault(f"{a} and {b} are apart ({direction}, {how})", undo)

    def isolate(self, host: str) -> Fault:
        """The host's cable is pulled."""
        self._place(host)
        self._lab.order("plug", host=host, is_plugged=False)
        return Fault(f"{host} is off the net", lambda: self._tell("plug", host, is_plugged=True))

    def loss(self, host: str, percent: float) -> Fault:
        """So many of the frames to the host, and of those from it, are lost.

        Raises:
            UsageError: not between 0 and 100.
        """
        if not 0 < percent <= 100:
            raise UsageError(f"{percent:g} is not a percentage above 0 and up to 100")
        name = f"loss_{host}"
        self._filter(loss_table(name, self._place(host), percent))
        return Fault(
            f"{host} loses {percent:g} % of its frames", lambda: self._filter(removal("bridge", name))
        )

    def delay(self, host: str, seconds: float) -> Fault:
        """Every frame to the host, and every one from it, takes so much longer: a round trip twice that.

        Raises:
            LabError: this machine gives no tap device.
        """
        self._relay(host, seconds, is_holding=False)
        return Fault(f"{host} is {seconds:g} s away", lambda: self._end_relay(host))

    def hold(self, host: str) -> Fault:
        """Nothing passes to or from the host, and nothing is lost: it all arrives at once when this ends.

        Raises:
            LabError: this machine gives no tap device.
        """
        self._relay(host, 0.0, is_holding=True)

        def let_go() -> None:
            # First the frames, then the relay: they are in it.
            self._tell("relay", host, delay_seconds=0.0, is_holding=False)
            self._end_relay(host)

        return Fault(f"{host}'s frames are held", let_go)

    def slow_link(self, host: str, megabits_per_second: float) -> Fault:
        """The host's cable carries no more than that, in each direction.

        Raises:
            UsageError: not above 0.
        """
        if megabits_per_second <= 0:
            raise UsageError(f"{megabits_per_second:g} Mbit/s is no rate")
        self._place(host)
        self._lab.order("rate", host=host, megabits_per_second=megabits_per_second)
        return Fault(
            f"{host} has {megabits_per_second:g} Mbit/s",
            lambda: self._tell("rate", host, megabits_per_second=None),
        )

    def full_disk(self, host: str) -> Fault:
        """Not one more page fits on the host's disk."""
        self._place(host)
        self._lab.order("disk_size", host=host, size_bytes=None)
        return Fault(
            f"{host}'s disk is full", lambda: self._tell("disk_size", host, size_bytes=self._lab.disk_bytes)
        )

    def freeze(self, host: str, process: str) -> Fault:
        """All of the host's processes of that program name hang (SIGSTOP).

        Raises:
            LabError: there are none.
        """
        self._signal(host, process, signal.SIGSTOP)

        def thaw() -> None:
            machine = self._lab.host(host)
            if machine.is_running and machine.process_numbers(process):
                self._signal(host, process, signal.SIGCONT)

        return Fault(f"{process} on {host} is frozen", thaw)

    def kill(self, host: str, process: str) -> Fault:
        """All of the host's processes of that program name are gone (SIGKILL). Starting them again is not an undo.

        Raises:
            LabError: there are none.
        """
        self._signal(host, process, signal.SIGKILL)
        return Fault(f"{process} on {host} was killed", lambda: None)

    def wrong_clock(self, host: str, offset_seconds: float) -> Fault:
        """The host's database and its `failover` commands live that far in the future, or the past if below 0.

        The kernel has one clock for all, so libfaketime lies to those two. The database is restarted for it, and again
        for the undo; a daemon that runs already keeps the right time until it is started again.

        Raises:
            LabError: libfaketime is not installed, or the database does not come up again.
        """
        require(WRONG_CLOCK)
        machine = self._lab.host(host)
        library = next(iter(sorted(Path("/").glob(WRONG_CLOCK[0].program.removeprefix("/")))))
        # Only what the clock on the wall says: waiting must last as long as it does.
        lie = {
            "LD_PRELOAD": str(library),
            "FAKETIME": f"{offset_seconds:+f}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self._set_clock(machine, lie)
        return Fault(f"{host}'s clock is {offset_seconds:+g} s off", lambda: self._set_clock(machine, {}))

    def heal(self, host: str) -> None:
        """Make everything about a host right again that can be wrong while it is on; a host that is off stays off."""
        place = self._place(host)
        self._tell("plug", host, is_plugged=True)
        self._tell("rate", host, megabits_per_second=None)
        self._end_relay(host)
        self._tell("disk_size", host, size_bytes=self._lab.disk_bytes)
        listing = self._lab.in_switch(("nft", "list", "tables")).decode()
        self._filter("".join(removal(family, name) for family, name in tables_about(listing, host)))
        for machine in self._lab.hosts:
            if machine.is_running:
                listing = machine.run(("nft", "list", "tables")).stdout.decode()
                for family, name in tables_about(listing, host):
                    self._filter_in(place_of(machine.name), removal(family, name))
        machine = self._lab.host(place.name)
        if machine.is_running:
            # Whatever was frozen; -1 is everything but the first process.
            machine.run(("kill", f"-{signal.SIGCONT.value}", "--", "-1"), accepted=(0, 1))
            if b"FAKETIME" in machine.read(str(WRAPPER)):
                self._set_clock(machine, {})

    def _set_clock(self, host: Host, environment: dict[str, str]) -> None:
        words = [f"{name}={value}" for name, value in environment.items()]
        host.write(str(WRAPPER), wrapper_script(words), mode=0o755)
        if host.process_numbers(PROGRAM):
            server = MariaDb()
            server.stop(host)
            server.start(host, environment=environment)
            server.ready(host)

    def _relay(self, host: str, seconds: float, *, is_holding: bool) -> None:
        self._place(host)
        self._lab.order("relay", host=host, delay_seconds=seconds, is_holding=is_holding)

    def _end_relay(self, host: str) -> None:
        self._tell("relay", host, delay_seconds=None, is_holding=False)

    def _tell(self, order: str, host: str, **details: object) -> None:
        self._lab.order(order, host=host, **details)

    def _place(self, host: str) -> Place:
        return place_of(self._lab.host(host).name)

    def _filter(self, text: str) -> None:
        self._lab.in_switch(("nft", "-f", "-"), stdin=text.encode())

    def _filter_in(self, place: Place, text: str) -> None:
        machine = self._lab.host(place.name)
        if machine.is_running:
            machine.run(("nft", "-f", "-"), stdin=text.encode())

    def _signal(self, host: str, process: str, number: signal.Signals) -> None:
        machine = self._lab.host(host)
        numbers = machine.process_numbers(process)
        if not numbers:
            raise LabError(f"no process {process} on {host}", hint=f"failover lab run {host} -- ps ax")
        machine.run(("kill", f"-{number.value}", *(str(one) for one in numbers)), accepted=(0, 1))
