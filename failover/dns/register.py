"""The register: the TXT record that says which node is primary, and in which epoch. Pure.

`v=failover1 epoch=N primary=NODE`, words apart by one space. Words with other keys are skipped, so that a later
failover can add some without a new version; a new version means that an old failover must not act on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from failover.dns.model import RecordSet

_VERSION = re.compile(r'\s*"?v=failover([0-9]{1,9})(?=[\s"]|$)')
_QUOTED = re.compile(r'(?:"[^"\\]*"\s*)+')
_EPOCH = re.compile(r"[1-9][0-9]{0,17}")
_NODE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Register:
    """Which node is primary, and in which epoch (1 at `failover init`, one more at every change of roles)."""

    epoch: int
    primary: str

    def __post_init__(self) -> None:
        if not _EPOCH.fullmatch(str(self.epoch)) or not _NODE.fullmatch(self.primary):
            raise ValueError(f"not an epoch and a node: {self.epoch!r}, {self.primary!r}")

    def __str__(self) -> str:
        return f"epoch {self.epoch}, primary {self.primary}"


@dataclass(frozen=True, slots=True)
class RegisterMissing:
    """The authority says that there is no register."""

    def __str__(self) -> str:
        return "no register"


@dataclass(frozen=True, slots=True)
class RegisterMalformed:
    """There is a TXT record that is not a register."""

    problem: str

    def __str__(self) -> str:
        return f"no valid register ({self.problem})"


@dataclass(frozen=True, slots=True)
class RegisterNewer:
    """A register of a version that this failover does not know: a newer one has written it."""

    version: int

    def __str__(self) -> str:
        return f"a register of version {self.version}"


RegisterState: TypeAlias = Register | RegisterMissing | RegisterMalformed | RegisterNewer


def format_register(register: Register) -> str:
    """The text of the TXT record, without quotes."""
    return f"v=failover1 epoch={register.epoch} primary={register.primary}"


def register_record(register: Register, owner: str, ttl_seconds: int) -> RecordSet:
    """The TXT record set that holds `register`."""
    return RecordSet(owner, "TXT", ttl_seconds, frozenset({f'"{format_register(register)}"'}))


def parse_register(record: RecordSet | None) -> RegisterState:
    """What the register's TXT record set says. Never raises, whatever the strings are."""
    if record is None:
        return RegisterMissing()
    versions = [int(found[1]) for value in record.values if (found := _VERSION.match(value))]
    if versions and max(versions) > 1:
        return RegisterNewer(max(versions))
    if len(record.values) != 1:
        return RegisterMalformed(f"{len(record.values)} TXT values where one is expected")
    (value,) = record.values
    if versions != [1]:
        return RegisterMalformed("does not begin with v=failover1")
    return _parse_words(_unquote(value))


def _unquote(value: str) -> str:
    """The character strings of a TXT value put together; nothing in a register needs an escape."""
    return "".join(re.findall(r'"([^"]*)"', value)) if _QUOTED.fullmatch(value.strip()) else value


def _parse_words(text: str) -> Register | RegisterMalformed:
    words = [word.partition("=") for word in text.split()]
    epochs = [value for key, _, value in words if key == "epoch"]
    primaries = [value for key, _, value in words if key == "primary"]
    if len(epochs) != 1 or not _EPOCH.fullmatch(epochs[0]):
        return RegisterMalformed("epoch is not one whole number from 1")
    if len(primaries) != 1 or not _NODE.fullmatch(primaries[0]):
        return RegisterMalformed("primary is not one node name")
    return Register(int(epochs[0]), primaries[0])
