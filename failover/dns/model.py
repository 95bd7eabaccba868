"""What DNS holds and what is to change in it, the same for every provider. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import TypeAlias

RecordKey: TypeAlias = tuple[str, str]
"""The absolute name and the type of a record set: `("www.example.test.", "A")`."""


@dataclass(frozen=True, slots=True)
class RecordSet:
    """All values of one name and type: DNS knows no smaller thing (RFC 2181 section 5).

    Two record sets that mean the same compare equal: the name is kept absolute and in lower case, addresses in
    their shortest form. `values` is never empty; a set that does not exist is None. A TXT value is kept as zone
    files write it, with its quotes.
    """

    name: str
    type: str
    ttl_seconds: int
    values: frozenset[str]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"{self.name} {self.type}: a record set without values")
        object.__setattr__(self, "name", self.name.lower().removesuffix(".") + ".")
        if self.type in {"A", "AAAA"}:
            object.__setattr__(self, "values", frozenset(str(ip_address(value)) for value in self.values))

    @property
    def key(self) -> RecordKey:
        """Its name and type."""
        return self.name, self.type

    def has_values_of(self, other: RecordSet | None) -> bool:
        """Whether both hold the same values; the TTL does not count, as in a prerequisite (RFC 2136 section 2.4.2)."""
        return other is not None and self.values == other.values


Records: TypeAlias = Mapping[RecordKey, RecordSet | None]
"""What was found under each key asked for; None where the authority says there is nothing."""


def same_values(one: RecordSet | None, other: RecordSet | None) -> bool:
    """Whether both are absent, or hold the same values; the TTL does not count."""
    return other is None if one is None else one.has_values_of(other)


def show_values(record: RecordSet | None) -> str:
    """The values for a person, sorted: `10.77.0.11, 10.77.0.12`; `(none)` for an absent set."""
    return "(none)" if record is None else ", ".join(sorted(record.values))


@dataclass(frozen=True, slots=True)
class Change:
    """One record set from what it must be now to what it shall be.

    `before` is the condition: None means "does not exist". `after` None deletes. Equal ones are a pure condition: the
    write changes nothing, but nothing else of the update is done if the condition does not hold.
    """

    before: RecordSet | None
    after: RecordSet | None

    def __post_init__(self) -> None:
        keys = {record.key for record in (self.before, self.after) if record is not None}
        if len(keys) != 1:
            raise ValueError("a change is about exactly one name and type")

    @property
    def key(self) -> RecordKey:
        """The name and type it is about."""
        record = self.after or self.before
        assert record is not None
        return record.key

    def __str__(self) -> str:
        """One line: `www.example.test. A  10.77.0.11 → 10.77.0.12`."""
        name, type_ = self.key
        line = f"{name} {type_}  {show_values(self.before)}"
        if not same_values(self.before, self.after):
            line += f" → {show_values(self.after)}"
        if self.before and self.after and self.before.ttl_seconds != self.after.ttl_seconds:
            line += f" (ttl {self.before.ttl_seconds} → {self.after.ttl_seconds})"
        return line if self.before != self.after else f"{line} (unchanged)"


@dataclass(frozen=True, slots=True)
class Update:
    """Changes of one zone that belong together, sorted by name and type; no key twice."""

    zone: str
    changes: tuple[Change, ...]

    def __post_init__(self) -> None:
        keys = [change.key for change in self.changes]
        if keys != sorted(set(keys)):
            raise ValueError("the changes of an update are sorted, one for each name and type")

    @property
    def keys(self) -> tuple[RecordKey, ...]:
        """Every name and type it is about."""
        return tuple(change.key for change in self.changes)

    @property
    def lines(self) -> tuple[str, ...]:
        """One line a change, for a person."""
        return tuple(str(change) for change in self.changes)

    def is_applied_in(self, found: Records) -> bool:
        """Whether `found` holds what this update was to bring about. The TTL does not count."""
        return all(same_values(change.after, found.get(change.key)) for change in self.changes)

    def is_possible_in(self, found: Records) -> bool:
        """Whether every condition of this update holds in `found`."""
        return all(same_values(change.before, found.get(change.key)) for change in self.changes)

    def as_json(self) -> dict[str, object]:
        """Zone and changes for `--json` and the journal: only strings, numbers, lists and null."""
        return {
            "zone": self.zone,
            "changes": [
                {
                    "name": change.key[0],
                    "type": change.key[1],
                    "before": _as_json(change.before),
                    "after": _as_json(change.after),
                }
                for change in self.changes
            ],
        }


def _as_json(record: RecordSet | None) -> dict[str, object] | None:
    if record is None:
        return None
    return {"ttl_seconds": record.ttl_seconds, "values": sorted(record.values)}


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a provider can promise. Where it cannot, the caller reads, writes, verifies, and says so."""

    is_atomic: bool
    """All changes of an update are seen together or not at all."""
    can_compare_and_swap: bool
    """Nothing is changed if a `before` does not hold at that very moment."""
    knows_propagation: bool
    """It can tell itself when all its servers have the change; otherwise every authority has to be asked."""


class Applied(StrEnum):
    """How an update is known to be in force."""

    WRITTEN = "written"
    """The server said so."""
    FOUND = "found"
    """The server's reply was lost, and a later reading showed the wanted values."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An update that is in force at `server` (`address:port`, or the provider's name)."""

    applied: Applied
    server: str
