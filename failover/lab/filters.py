"""Faults of the net as nft(8) says them: one table a fault, so that taking it back is one deletion. Pure."""

from __future__ import annotations

from failover.lab.topology import Place


def drop_table(name: str, pairs: tuple[tuple[Place, Place], ...]) -> str:
    """For the switch: nothing of IP passes from the first to the second of each pair.

    Only IP: ARP has to pass, or the other direction, which may be whole, would die with it.
    """
    rules = [
        f"iifname {source.port} ether type ip ip saddr {source.address} ip daddr {target.address} drop"
        for source, target in pairs
    ]
    return _table("bridge", name, "prerouting", rules)


def reject_table(name: str, source: Place) -> str:
    """For a host itself, as not every kernel's bridge can reject: whatever comes from `source` is told so.

    Resets get through: they are how the other host, if it rejects too, tells this one.
    """
    rules = [
        f"ip saddr {source.address} tcp flags & rst == rst accept",
        f"ip saddr {source.address} ip protocol tcp reject with tcp reset",
        f"ip saddr {source.address} reject with icmp type admin-prohibited",
    ]
    return _table("ip", name, "input", rules)


def loss_table(name: str, place: Place, percent: float) -> str:
    """A table that loses that many of the frames to and from a host, at random."""
    share = round(percent * 10)
    chance = f"numgen random mod 1000 < {share} " if share < 1000 else ""
    rules = [f"{side} {place.port} {chance}drop" for side in ("iifname", "oifname")]
    return _table("bridge", name, "forward", rules)


def removal(family: str, name: str) -> str:
    """What takes a table away. Adding comes first: deleting what is not there would fail."""
    return f"add table {family} {name}\ndelete table {family} {name}\n"


def tables_about(listing: str, host: str) -> tuple[tuple[str, str], ...]:
    """Family and name of the tables here that are about a host, by what `nft list tables` printed."""
    tables = (line.split() for line in listing.splitlines())
    return tuple(
        (words[1], words[2]) for words in tables if len(words) == 3 and host in words[2].split("_")[1:]
    )


def _table(family: str, name: str, hook: str, rules: list[str]) -> str:
    lines = "\n    ".join(rules)
    return (
        f"{removal(family, name)}table {family} {name} {{\n  chain {hook} {{\n"
        f"    type filter hook {hook} priority 0; policy accept;\n    {lines}\n  }}\n}}\n"
    )
