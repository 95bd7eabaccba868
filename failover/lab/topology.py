"""Which hosts a lab has, where they are, and what joins them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

BRIDGE = "br0"
PREFIX_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Place:
    """A host's name and where it is."""

    name: str
    address: str

    @property
    def hardware_address(self) -> str:
        """Of its network card. The same after a power cut, as with any card, so that the others' ARP entries hold."""
        return "02:00:" + ":".join(f"{int(part):02x}" for part in self.address.split("."))

    @property
    def port(self) -> str:
        """The switch's end of its cable. A kernel name has at most 15 characters."""
        return f"v-{self.name}"


PLACES = (
    Place("web1", "10.77.0.11"),
    Place("web2", "10.77.0.12"),
    Place("ns1", "10.77.0.53"),
    Place("ns2", "10.77.0.54"),
    Place("operator", "10.77.0.100"),
)
WEB = ("web1", "web2")
NAME_SERVERS = ("ns1", "ns2")
PAIR_AND_OPERATOR = (*WEB, "operator")


def place_of(name: str) -> Place:
    """The place of a host.

    Raises:
        KeyError: there is no such host.
    """
    for place in PLACES:
        if place.name == name:
            return place
    raise KeyError(name)


def hosts_file(domain: str = "example.test") -> str:
    """/etc/hosts of every host (hosts(5)). The site's own names are not in it: those are the name servers' to say."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    lines += [f"{place.address} {place.name}.{domain} {place.name}" for place in PLACES]
    return "\n".join(lines) + "\n"
