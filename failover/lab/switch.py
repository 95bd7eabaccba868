"""The switch as the keeper works it: cables, relays, rates. What a cable is to be is a `Line`; here it is made so."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from dataclasses import dataclass, replace

from failover.errors import LabError
from failover.lab import line as words
from failover.lab.first_process import say
from failover.lab.line import Line
from failover.lab.relay import fork_relay
from failover.lab.requirements import is_installed
from failover.lab.topology import Place


@dataclass(frozen=True, slots=True)
class _Relay:
    pid: int
    channel: socket.socket


class Switch:
    """The bridge and the cables to it, in this process's network namespace."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._relays: dict[str, _Relay] = {}
        _ip(words.switch_words())

    def line(self, place: Place) -> Line:
        """What is to be of a host's cable."""
        return self._lines.get(place.name, Line())

    def connect(self, hosts: dict[Place, int]) -> None:
        """Lay a cable to every host, given the process number of its first process."""
        _ip("".join(words.cable_words(place, pid, self.line(place)) for place, pid in hosts.items()))

    def finish(self, place: Place, pid: int) -> None:
        """What can only be done once the host is up: its rate."""
        rate = self.line(place).megabits_per_second
        if rate is not None:
            self._set_rate(place, pid, rate)

    def pull(self, place: Place) -> None:
        """Make the host fall silent at once: not even the goodbyes of its dying connections get out."""
        _ip(words.plug_words(place, is_plugged=False))

    def forget(self, place: Place) -> None:
        """Take the cable of a host that is off away, and remember how it was."""
        try:
            _ip(words.unplug_for_good_words(place))
        except LabError:
            # The dead host's namespace takes its end along, and may have been quicker.
            if place.port in {name for _, name in socket.if_nameindex()}:
                raise

    def plug(self, place: Place, pid: int | None, *, is_plugged: bool) -> None:
        """Plug a host in, or pull its cable; it stays so over a power cut."""
        self._lines[place.name] = replace(self.line(place), is_plugged=is_plugged)
        if pid is not None:
            _ip(words.plug_words(place, is_plugged=is_plugged))

    def set_rate(self, place: Place, pid: int | None, megabits_per_second: float | None) -> None:
        """Limit both directions of a cable, or None for as fast as it goes."""
        had = self.line(place).megabits_per_second
        self._lines[place.name] = replace(self.line(place), megabits_per_second=megabits_per_second)
        if pid is not None and (had is not None or megabits_per_second is not None):
            self._set_rate(place, pid, megabits_per_second)

    def set_relay(
        self, place: Place, pid: int | None, *, delay_seconds: float | None, is_holding: bool
    ) -> None:
        """Put a relay into a cable, tell the one that is there, or (`delay_seconds` None) take it out again.

        Raises:
            LabError: this machine gives us no tap device.
        """
        present = self._relays.get(place.name)
        if delay_seconds is None:
            if present is not None:
                self._lines[place.name] = replace(self.line(place), is_relayed=False)
                if pid is not None:
                    _ip(words.attach_words(place, is_relayed=False))
                _end(self._relays.pop(place.name))
                _ip(words.relay_out_words(place))
            return
        if present is None:
            pid_of_relay, channel = fork_relay(words.relay_ends(place))
            present = _Relay(pid_of_relay, channel)
            self._relays[place.name] = present
            self._lines[place.name] = replace(self.line(place), is_relayed=True)
            attach = words.attach_words(place, is_relayed=True) if pid is not None else ""
            _ip(words.relay_in_words(place) + attach)
        say(present.channel, {"delay_seconds": delay_seconds, "is_holding": is_holding})

    def close(self) -> None:
        """End every relay. The rest goes with the namespace."""
        for relay in self._relays.values():
            _end(relay)
        self._relays.clear()

    def _set_rate(self, place: Place, pid: int, rate: float | None) -> None:
        _run(words.rate_argv(place.port, rate))
        _run(("nsenter", "--target", str(pid), "--net", *words.rate_argv("eth0", rate)))


def _end(relay: _Relay) -> None:
    relay.channel.close()
    os.kill(relay.pid, signal.SIGKILL)
    os.waitpid(relay.pid, 0)


def _ip(batch: str) -> None:
    _run(("ip", "-batch", "-"), batch)


def _run(argv: tuple[str, ...], text: str = "") -> None:
    done = subprocess.run(argv, input=text.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        if not is_installed(argv[0]):
            said = "it is not installed"
        raise LabError(f"{' '.join(argv)}: {said or f'exit status {done.returncode}'}")
