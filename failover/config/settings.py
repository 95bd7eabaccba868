"""What can be configured. Frozen, checked whole; the description of each key is also its manual. Pure.

A domain gets its own section in its constructor, never the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from failover.config.names import (
    check_absolute_path,
    check_address,
    check_domain_name,
    check_exclude,
    check_mirror_path,
    check_node_name,
    check_secret_reference,
    check_user_name,
)
from failover.config.place import Misfit, MisfitError, Place

DomainName = Annotated[str, AfterValidator(check_domain_name)]
"""Absolute, lower case, with its last dot."""
NodeName = Annotated[str, AfterValidator(check_node_name)]
SecretReference = Annotated[str, AfterValidator(check_secret_reference)]
"""Where a secret is: `file:PATH`, `credential:NAME` or `env:NAME`. Never the secret itself."""
Address = Annotated[str, AfterValidator(check_address)]
UserName = Annotated[str, AfterValidator(check_user_name)]
AbsolutePath = Annotated[Path, Field(strict=False), AfterValidator(check_absolute_path)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]

MISFITS_LATER = "misfits later"
"""As pydantic's validation context: leave the misfits to the caller, who wants all of a file's problems at once."""


class Section(BaseModel):
    """A part of the settings: unknown keys are errors, nothing changes after loading, types are not guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def misfits(self) -> Iterator[Misfit]:
        """What is wrong between values that are each right alone; places are relative to this section."""
        return iter(())

    @model_validator(mode="after")
    def _values_fit_together(self, info: ValidationInfo) -> Self:
        if info.context != MISFITS_LATER:
            found = tuple(self.misfits())
            if found:
                raise MisfitError(found)
        return self


def _lag_limits_in_order(section: MirrorSettings | DatabaseSettings) -> Iterator[Misfit]:
    if section.lag_warning_seconds > section.lag_critical_seconds:
        yield Misfit(
            ("lag_warning_seconds",),
            f"must not be above lag_critical_seconds ({section.lag_critical_seconds:g})",
            depends_on=(("lag_critical_seconds",),),
        )


class NodeSettings(Section):
    """One of the two nodes."""

    address: Annotated[
        Address, Field(description="address or name the other node and the operator reach it by")
    ]
    ssh_port: Annotated[Port, Field(description="port of its sshd")] = 22
    ssh_user: Annotated[UserName, Field(description="user that failover logs in as")] = "root"
    database_port: Annotated[Port, Field(description="TCP port of its database server")] = 3306


class SshSettings(Section):
    """How nodes and operators log in."""

    key: Annotated[AbsolutePath, Field(description="private key; the same path on every host")] = Path(
        "/etc/failover/ssh/id_ed25519"
    )
    known_hosts: Annotated[AbsolutePath, Field(description="pinned host keys of both nodes")] = Path(
        "/etc/failover/ssh/known_hosts"
    )
    connect_timeout_seconds: Annotated[int, Field(ge=1, le=60, description="limit for a login")] = 3


class MirrorSettings(Section):
    """One directory tree kept equal on the standby."""

    path: Annotated[
        Path,
        Field(strict=False, description="the tree; the same path on both nodes"),
        AfterValidator(check_mirror_path),
    ]
    exclude: Annotated[
        tuple[Annotated[str, AfterValidator(check_exclude)], ...],
        Field(strict=False, description="rsync exclude patterns; a leading / means the top of the tree"),
    ] = ()
    delete: Annotated[bool, Field(description="whether what is gone on the primary goes on the standby")] = (
        True
    )
    batch_seconds: Annotated[
        float, Field(ge=0, le=60, description="how long changes gather while an earlier batch is under way")
    ] = 0.05
    lag_warning_seconds: Annotated[
        Seconds, Field(description="age of the oldest waiting path that is a warning")
    ] = 30
    lag_critical_seconds: Annotated[Seconds, Field(description="and the age that is critical")] = 300

    def misfits(self) -> Iterator[Misfit]:
        """Limits in the wrong order."""
        return _lag_limits_in_order(self)


class DatabaseSettings(Section):
    """The database server on each node."""

    socket: Annotated[AbsolutePath, Field(description="its Unix socket on each node")] = Path(
        "/run/mysqld/mysqld.sock"
    )
    user: Annotated[UserName, Field(description="account failover gives its orders with")] = "failover_admin"
    password: Annotated[SecretReference, Field(description="its password")] = (
        "file:/etc/failover/secrets/database"
    )
    replication_user: Annotated[UserName, Field(description="account a standby replicates with")] = (
        "failover_repl"
    )
    replication_password: Annotated[SecretReference, Field(description="its password")] = (
        "file:/etc/failover/secrets/replication"
    )
    certificate_authority: Annotated[
        AbsolutePath | None,
        Field(description="CA that signed both servers' certificates; null: no TLS"),
    ] = Path("/etc/failover/ca.pem")
    connect_timeout_seconds: Annotated[
        Seconds, Field(description="limit for a connection and its handshake")
    ] = 2
    statement_timeout_seconds: Annotated[Seconds, Field(description="limit for one statement")] = 5
    lag_warning_seconds: Annotated[Seconds, Field(description="replication lag that is a warning")] = 10
    lag_critical_seconds: Annotated[Seconds, Field(description="replication lag that is critical")] = 60

    def misfits(self) -> Iterator[Misfit]:
        """Limits in the wrong order."""
        return _lag_limits_in_order(self)


class TsigSettings(Section):
    """The key that signs DNS updates (RFC 8945)."""

    name: Annotated[DomainName, Field(description="name of the key, as the name server knows it")]
    algorithm: Annotated[
        Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"], Field(description="its algorithm")
    ] = "hmac-sha256"
    secret: Annotated[SecretReference, Field(description="the key itself, base64")]


class RecordSettings(Section):
    """A name that follows the primary."""

    name: Annotated[DomainName, Field(description="the name")]
    type: Annotated[Literal["A", "AAAA"], Field(description="A for IPv4, AAAA for IPv6")]
    values: Annotated[
        dict[str, Annotated[tuple[str, ...], Field(strict=False)]],
        Field(description="node name to the addresses the name has while that node is primary"),
    ]

    def misfits(self) -> Iterator[Misfit]:
        """Values that the type cannot hold; nodes whose values are the same, so that a move would move nothing."""
        wanted = IPv4Address if self.type == "A" else IPv6Address
        for node, values in self.values.items():
            if not values:
                yield Misfit(("values", node), f"needs at least one {self.type} value")
            for number, value in enumerate(values):
                try:
                    wanted(value)
                except ValueError:
                    text = f"{value!r} is not an address for type {self.type}"
                    yield Misfit(("values", node, number), text, depends_on=(("type",),))
        addresses = [frozenset(values) for values in self.values.values() if values]
        if len(addresses) != len(set(addresses)):
            yield Misfit(("values",), "both nodes have the same values: a switchover would change nothing")


class DnsServerSettings(Section):
    """A name server that takes updates."""

    address: Annotated[Address, Field(description="its address or name")]
    port: Annotated[Port, Field(description="the port it takes updates on")] = 53


class DnsSettings(Section):
    """The zone and the names that move."""

    zone: Annotated[DomainName, Field(description="the zone that holds all the names below")]
    servers: Annotated[
        tuple[DnsServerSettings, ...],
        Field(strict=False, min_length=1, description="servers that take updates, tried in order"),
    ]
    tsig: Annotated[TsigSettings, Field(description="the key that signs updates")]
    ttl_seconds: Annotated[int, Field(ge=1, le=3600, description="TTL the moving names should have")] = 60
    records: Annotated[
        tuple[RecordSettings, ...],
        Field(strict=False, min_length=1, description="the names that follow the primary"),
    ]
    register_name: Annotated[
        DomainName | None,
        Field(
            alias="register", description="TXT name of the register; default _failover.<first record's name>"
        ),
    ] = None
    query_timeout_seconds: Annotated[Seconds, Field(description="limit for one question")] = 2
    agree_timeout_seconds: Annotated[
        Seconds, Field(description="how long all authorities may take to agree")
    ] = 30

    @property
    def register_owner(self) -> str:
        """The name that holds the register, absolute."""
        return self.register_name or f"_failover.{self.records[0].name}"

    def misfits(self) -> Iterator[Misfit]:
        """Names outside the zone; a name listed twice."""
        zone: Place = ("zone",)
        seen: dict[tuple[str, str], int] = {}
        for number, record in enumerate(self.records):
            place: Place = ("records", number, "name")
            if not self._is_in_zone(record.name):
                yield Misfit(place, f"{record.name} is not in zone {self.zone}", depends_on=(zone,))
            first = seen.setdefault((record.name, record.type), number)
            if first != number:
                others: tuple[Place, ...] = (("records", number, "type"), ("records", first))
                yield Misfit(place, f"{record.name} {record.type} is listed twice", depends_on=others)
        if self.register_name and not self._is_in_zone(self.register_name):
            yield Misfit(
                ("register",), f"{self.register_name} is not in zone {self.zone}", depends_on=(zone,)
            )

    def _is_in_zone(self, name: str) -> bool:
        return name == self.zone or name.endswith(f".{self.zone}")


class SwitchoverSettings(Section):
    """Time limits of a switchover: each bounds one wait."""

    freeze_timeout_seconds: Annotated[Seconds, Field(description="blocking writes on the old primary")] = 10
    apply_timeout_seconds: Annotated[
        Seconds, Field(description="the standby applying the last transactions")
    ] = 30
    mirror_timeout_seconds: Annotated[Seconds, Field(description="the mirror sending the last changes")] = 60
    hook_timeout_seconds: Annotated[Seconds, Field(description="each hook")] = 30
    lock_seconds: Annotated[
        Seconds, Field(description="how long a lock lasts without a sign of its owner")
    ] = 120


class PathSettings(Section):
    """Where failover keeps its own files on a node."""

    state: Annotated[AbsolutePath, Field(description="role, epoch, journal")] = Path("/var/lib/failover")
    runtime: Annotated[AbsolutePath, Field(description="sockets and status; gone after a reboot")] = Path(
        "/run/failover"
    )
    hooks: Annotated[AbsolutePath, Field(description="directories of executables, one a phase")] = Path(
        "/etc/failover/hooks"
    )


def _inside(inner: str, outer: str) -> Misfit:
    return Misfit(("mirrors", inner, "path"), f"is inside mirror {outer}", (("mirrors", outer, "path"),))


class Settings(Section):
    """The whole configuration of a pair."""

    nodes: Annotated[dict[NodeName, NodeSettings], Field(description="the two nodes by name")]
    ssh: Annotated[SshSettings, Field(description="how nodes and operators log in")] = SshSettings()
    mirrors: Annotated[dict[NodeName, MirrorSettings], Field(description="directory trees by name")] = {
        "www": MirrorSettings(path=Path("/var/www"))
    }
    database: Annotated[DatabaseSettings, Field(description="the database server on each node")] = (
        DatabaseSettings()
    )
    dns: Annotated[DnsSettings, Field(description="the zone and the names that move")]
    switchover: Annotated[SwitchoverSettings, Field(description="time limits of a switchover")] = (
        SwitchoverSettings()
    )
    paths: Annotated[PathSettings, Field(description="where failover keeps its own files")] = PathSettings()

    def misfits(self) -> Iterator[Misfit]:
        """Not two nodes, or twice the same; values for the wrong nodes; mirrors that overlap."""
        if len(self.nodes) != 2:
            yield Misfit(("nodes",), f"a pair has two nodes, not {len(self.nodes)}")
        yield from self._nodes_are_one()
        yield from self._values_without_node()
        yield from self._mirrors_overlap()

    def _nodes_are_one(self) -> Iterator[Misfit]:
        seen: dict[tuple[str, int], str] = {}
        for name, node in self.nodes.items():
            first = seen.setdefault((node.address.lower(), node.ssh_port), name)
            if first != name:
                yield Misfit(
                    ("nodes", name, "address"),
                    f"is the same host as {first}",
                    depends_on=(("nodes", name, "ssh_port"), ("nodes", first)),
                )

    def _values_without_node(self) -> Iterator[Misfit]:
        for number, record in enumerate(self.dns.records):
            place: Place = ("dns", "records", number, "values")
            for node in record.values:
                if node not in self.nodes:
                    yield Misfit((*place, node), f"there is no node {node}", depends_on=(("nodes",),))
            for node in self.nodes:
                if node not in record.values:
                    yield Misfit(place, f"has no value for node {node}", (("nodes",), (*place, node)))

    def _mirrors_overlap(self) -> Iterator[Misfit]:
        for (first, wide), (second, narrow) in combinations(self.mirrors.items(), 2):
            if narrow.path.is_relative_to(wide.path):
                yield _inside(second, first)
            elif wide.path.is_relative_to(narrow.path):
                yield _inside(first, second)
        for name, mirror in self.mirrors.items():
            for key in ("state", "runtime"):
                # What one node knows of itself must not arrive on the other.
                if getattr(self.paths, key).is_relative_to(mirror.path):
                    yield Misfit(("mirrors", name, "path"), f"holds paths.{key}", (("paths", key),))

    def peer_of(self, node: str) -> str:
        """The name of the other node."""
        return next(name for name in self.nodes if name != node)
