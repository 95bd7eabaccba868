"""The cable between a host and the switch, as words for ip(8) and tc(8). Pure.

A `Line` is what is to be; the keeper makes it so, and makes it so again after a power cut.
"""

from __future__ import annotations

from dataclasses import dataclass

from failover.lab.topology import BRIDGE, PREFIX_LENGTH, Place


@dataclass(frozen=True, slots=True)
class Line:
    """The state of a host's cable: plugged in or not, slow or not, through a relay or not."""

    is_plugged: bool = True
    megabits_per_second: float | None = None
    is_relayed: bool = False


def switch_words() -> str:
    """For ip -batch, in the switch's network namespace: the switch itself."""
    return f"link set lo up\nlink add {BRIDGE} type bridge mcast_snooping 0\nlink set {BRIDGE} up\n"


def cable_words(place: Place, pid: int, line: Line) -> str:
    """For ip -batch, in the switch: a new cable from the switch to the host whose first process is `pid`."""
    lower = relay_bridge(place) if line.is_relayed else BRIDGE
    state = "up" if line.is_plugged else "down"
    return (
        f"link add {place.port} type veth peer name eth0 address {place.hardware_address} netns {pid}\n"
        f"link set {place.port} master {lower} {state}\n"
    )


def host_words(place: Place) -> str:
    """For ip -batch, in the host."""
    return f"link set lo up\naddress add {place.address}/{PREFIX_LENGTH} brd + dev eth0\nlink set eth0 up\n"


def plug_words(place: Place, *, is_plugged: bool) -> str:
    """For ip -batch: the cable pulled, or put back."""
    return f"link set {place.port} {'up' if is_plugged else 'down'}\n"


def unplug_for_good_words(place: Place) -> str:
    """For ip -batch: no cable any more. Both of its ends are gone at once."""
    return f"link delete {place.port}\n"


def relay_bridge(place: Place) -> str:
    """The small bridge that a relayed cable ends in."""
    return f"br-{place.name}"


def relay_ends(place: Place) -> tuple[str, str]:
    """The two tap devices of the relay: at the host's side, and at the switch."""
    return f"ta-{place.name}", f"tb-{place.name}"


def relay_in_words(place: Place) -> str:
    """For ip -batch: the relay, whose tap devices exist already, goes between the host's cable and the switch."""
    near, far = relay_ends(place)
    bridge = relay_bridge(place)
    return (
        f"link add {bridge} type bridge mcast_snooping 0\n"
        f"link set {bridge} up\n"
        f"link set {near} master {bridge} up\n"
        f"link set {far} master {BRIDGE} up\n"
    )


def attach_words(place: Place, *, is_relayed: bool) -> str:
    """For ip -batch: the host's cable ends in the relay, or in the switch."""
    return f"link set {place.port} master {relay_bridge(place) if is_relayed else BRIDGE}\n"


def relay_out_words(place: Place) -> str:
    """For ip -batch: the bridge of a relay whose tap devices have gone with it."""
    return f"link delete {relay_bridge(place)}\n"


def rate_argv(device: str, megabits_per_second: float | None) -> tuple[str, ...]:
    """The words for tc(8): a token bucket on what leaves `device` (tc-tbf(8)), or none any more.

    A bucket of 4 ms at that rate, and never below one full frame: less would let nothing pass.
    """
    if megabits_per_second is None:
        return ("tc", "qdisc", "delete", "dev", device, "root")
    bits = int(megabits_per_second * 1_000_000)
    burst = max(4000, bits // 8 // 250)
    return (
        "tc", "qdisc", "replace", "dev", device, "root", "tbf",
        "rate", f"{bits}bit", "burst", f"{burst}b", "latency", "200ms",
    )  # fmt: skip
