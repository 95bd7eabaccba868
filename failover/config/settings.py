"""What can be configured. Frozen, checked whole; the description of each key is also its manual. Pure.

A domain gets its own section in its constructor, never the whole.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from failover.config.names import (
    check_domain_name,
    check_exclude,
    check_mirror_path,
    check_node_name,
    check_secret_reference,
)

DomainName = Annotated[str, AfterValidator(check_domain_name)]
"""Absolute, lower case, with its last dot."""
NodeName = Annotated[str, AfterValidator(check_node_name)]
SecretReference = Annotated[str, AfterValidator(check_secret_reference)]
"""Where a secret is: `file:PATH`, `credential:NAME` or `env:NAME`. Never the secret itself."""
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]


class Section(BaseModel):
    """A part of the settings: unknown keys are errors, nothing changes after loading, types are not guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NodeSettings(Section):
    """One of the two nodes."""

    address: Annotated[str, Field(description="address or name the other node and the operator reach it by")]
    ssh_port: Annotated[Port, Field(description="port of its sshd")] = 22
    ssh_user: Annotated[str, Field(description="user that failover logs in as")] = "root"
    database_port: Annotated[Port, Field(description="TCP port of its database server")] = 3306


class SshSettings(Section):
    """How nodes and operators log in."""

    key: Annotated[Path, Field(strict=False, description="private key; the same path on every host")] = Path(
        "/etc/failover/ssh/id_ed25519"
    )
    known_hosts: Annotated[Path, Field(strict=False, description="pinned host keys of both nodes")] = Path(
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


class DatabaseSettings(Section):
    """The database server on each node."""

    socket: Annotated[Path, Field(strict=False, description="its Unix socket on each node")] = Path(
        "/run/mysqld/mysqld.sock"
    )
    user: Annotated[str, Field(description="account failover gives its orders with")] = "failover_admin"
    password: Annotated[SecretReference, Field(description="its password")] = (
        "file:/etc/failover/secrets/database"
    )
    replication_user: Annotated[str, Field(description="account a standby replicates with")] = "failover_repl"
    replication_password: Annotated[SecretReference, Field(description="its password")] = (
        "file:/etc/failover/secrets/replication"
    )
    certificate_authority: Annotated[
        Path | None,
        Field(strict=False, description="CA that signed both servers' certificates; null: no TLS"),
    ] = Path("/etc/failover/ca.pem")
    connect_timeout_seconds: Annotated[
        Seconds, Field(description="limit for a connection and its handshake")
    ] = 2
    statement_timeout_seconds: Annotated[Seconds, Field(description="limit for one statement")] = 5
    lag_warning_seconds: Annotated[Seconds, Field(description="replication lag that is a warning")] = 10
    lag_critical_seconds: Annotated[Seconds, Field(description="replication lag that is critical")] = 60


class TsigSettings(Section):
    """The key that signs DNS updates (RFC 8945)."""

    name: DomainName
    algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"] = "hmac-sha256"
    secret: Annotated[SecretReference, Field(description="the key itself, base64")]


class RecordSettings(Section):
    """A name that follows the primary."""

    name: DomainName
    type: Literal["A", "AAAA"]
    values: Annotated[
        dict[str, Annotated[tuple[str, ...], Field(strict=False)]],
        Field(description="node name to its values"),
    ]

    @model_validator(mode="after")
    def _addresses_fit_the_type(self) -> RecordSettings:
        wanted = IPv4Address if self.type == "A" else IPv6Address
        for node, values in self.values.items():
            if not values:
                raise ValueError(f"no {self.type} value for {node}")
            for value in values:
                try:
                    wanted(value)
                except ValueError:
                    raise ValueError(f"{value!r} for {node} is not an address for type {self.type}") from None
        return self


class DnsServerSettings(Section):
    """A name server that takes updates."""

    address: str
    port: Port = 53


class DnsSettings(Section):
    """The zone and the names that move."""

    zone: DomainName
    servers: Annotated[
        tuple[DnsServerSettings, ...],
        Field(strict=False, min_length=1, description="servers that take updates, tried in order"),
    ]
    tsig: TsigSettings
    ttl_seconds: Annotated[int, Field(ge=1, le=3600, description="TTL the moving names should have")] = 60
    records: Annotated[tuple[RecordSettings, ...], Field(strict=False, min_length=1)]
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

    @model_validator(mode="after")
    def _names_are_in_the_zone(self) -> DnsSettings:
        for name in (*(record.name for record in self.records), self.register_owner):
            if name != self.zone and not name.endswith(f".{self.zone}"):
                raise ValueError(f"{name} is not in zone {self.zone}")
        keys = [(record.name, record.type) for record in self.records]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"{key[0]} {key[1]} is listed twice")
        return self


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

    state: Annotated[Path, Field(strict=False, description="role, epoch, journal")] = Path(
        "/var/lib/failover"
    )
    runtime: Annotated[Path, Field(strict=False, description="sockets and status; gone after a reboot")] = (
        Path("/run/failover")
    )
    hooks: Annotated[Path, Field(strict=False, description="directories of executables, one a phase")] = Path(
        "/etc/failover/hooks"
    )


class Settings(Section):
    """The whole configuration of a pair."""

    nodes: Annotated[dict[NodeName, NodeSettings], Field(description="the two nodes by name")]
    ssh: SshSettings = SshSettings()
    mirrors: Annotated[dict[NodeName, MirrorSettings], Field(description="directory trees by name")] = {
        "www": MirrorSettings(path=Path("/var/www"))
    }
    database: DatabaseSettings = DatabaseSettings()
    dns: DnsSettings
    switchover: SwitchoverSettings = SwitchoverSettings()
    paths: PathSettings = PathSettings()

    @model_validator(mode="after")
    def _two_nodes_and_no_third(self) -> Settings:
        if len(self.nodes) != 2:
            raise ValueError(f"nodes: a pair has two nodes, not {len(self.nodes)}")
        for number, record in enumerate(self.dns.records):
            for node in record.values:
                if node not in self.nodes:
                    raise ValueError(f"dns.records.{number}.values.{node}: there is no such node")
            for node in self.nodes:
                if node not in record.values:
                    raise ValueError(f"dns.records.{number}.values: no value for node {node}")
        return self

    def peer_of(self, node: str) -> str:
        """The name of the other node."""
        return next(name for name in self.nodes if name != node)
