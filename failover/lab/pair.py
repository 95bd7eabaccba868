"""The ground a pair stands on: keys, certificates, accounts and servers in the lab's hosts, all but the roles.

When this is done web1 has the site's data and web2 follows it, both read-only; `failover init` gives the roles.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import yaml

from failover.lab.host import Host
from failover.lab.host_file import HostFile, folder
from failover.lab.lab import Lab
from failover.lab.services import SERVICES, bind, mariadb, site, sshd
from failover.lab.services.certificates import CertificateAuthority
from failover.lab.services.sshd import SshKey
from failover.lab.topology import NAME_SERVERS, PAIR_AND_OPERATOR, WEB, place_of
from failover.replication.privileges import render_grants
from failover.system.clock import SystemClock

ADMIN, REPLICATION, SITE = "failover_admin", "failover_repl", "site"
SECRETS = "/etc/failover/secrets"
_KEY = "/etc/failover/ssh/id_ed25519"
_SCHEMA = """\
CREATE DATABASE site;
CREATE TABLE site.comments (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    token VARCHAR(64) NOT NULL UNIQUE,
    body TEXT NOT NULL,
    author VARCHAR(64) NOT NULL,
    created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB;
"""


@dataclass(frozen=True)
class Secrets:
    """The passwords and the key of one pair, made at random."""

    database: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    replication: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    site: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    tsig: str = field(
        default_factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode("ascii"), repr=False
    )


def lab_configuration(names: Sequence[str] = bind.SITE_NAMES) -> str:
    """A configuration file that fits the lab: YAML; everything else is at its default."""

    def values() -> dict[str, list[str]]:
        # New ones for every record: YAML would make the same object an anchor and aliases.
        return {name: [place_of(name).address] for name in WEB}

    settings = {
        "nodes": {name: {"address": place_of(name).address} for name in WEB},
        "dns": {
            "zone": f"{bind.ZONE}.",
            "servers": [{"address": place_of(NAME_SERVERS[0]).address}],
            "tsig": {"name": f"{bind.KEY_NAME}.", "secret": f"file:{SECRETS}/tsig"},
            "ttl_seconds": bind.TTL_SECONDS,
            "records": [{"name": f"{name}.", "type": "A", "values": values()} for name in names],
        },
    }
    return yaml.safe_dump(settings, sort_keys=False)


def provision(
    lab: Lab, *, configuration: str | None = None, names: Sequence[str] = bind.SITE_NAMES
) -> Secrets:
    """Make a pair's ground of a lab's hosts.

    `configuration` becomes /etc/failover/failover.yaml on the nodes and the operator's host (by default what
    `lab_configuration` says); `names` are the site's names in DNS, which the key may move.

    Raises:
        FailoverError: a server did not come up, or refused.
    """
    chosen = Secrets()
    authority = CertificateAuthority("failover lab", now=SystemClock().now())
    with ThreadPoolExecutor(max_workers=8) as pool:
        waiting = [
            pool.submit(_make_databases, lab, authority, chosen),
            pool.submit(_make_name_servers, lab, names, chosen),
            pool.submit(_make_logins, lab, chosen, configuration or lab_configuration(names)),
        ]
        for done in waiting:
            done.result()
    return chosen


def _make_logins(lab: Lab, chosen: Secrets, configuration: str) -> None:
    for host in lab.hosts:
        host.write_files(sshd.files(sshd.make_key(f"root@{host.name}")))
        SERVICES["sshd"].start(host)
    known = sshd.known_hosts(lab.hosts)
    pair_key, operator_key = sshd.make_key("failover pair"), sshd.make_key("failover operator")
    authorized = sshd.confined(pair_key, "failover receive") + sshd.confined(operator_key, "failover receive")
    for name in PAIR_AND_OPERATOR:
        own = operator_key if name == "operator" else pair_key
        files = [*_failover_files(own, known, chosen, configuration)]
        if name in WEB:
            files += site.files(chosen.site)
            files.append(HostFile("/root/.ssh/authorized_keys", authorized.encode(), mode=0o600))
        lab.host(name).write_files(files)
    for host in lab.hosts:
        host.enable("sshd")
        SERVICES["sshd"].ready(host)


def _failover_files(key: SshKey, known: bytes, chosen: Secrets, configuration: str) -> tuple[HostFile, ...]:
    return (
        HostFile("/etc/failover/failover.yaml", configuration.encode()),
        folder("/etc/failover/ssh", mode=0o700),
        HostFile(_KEY, key.private, mode=0o600),
        HostFile(f"{_KEY}.pub", f"{key.public}\n".encode()),
        HostFile("/etc/failover/ssh/known_hosts", known),
        folder(SECRETS, mode=0o700),
        HostFile(f"{SECRETS}/database", chosen.database.encode(), mode=0o600),
        HostFile(f"{SECRETS}/replication", chosen.replication.encode(), mode=0o600),
        HostFile(f"{SECRETS}/tsig", chosen.tsig.encode(), mode=0o600),
        folder("/root/.ssh", mode=0o700),
    )


def _make_databases(lab: Lab, authority: CertificateAuthority, chosen: Secrets) -> None:
    primary, standby = (lab.host(name) for name in WEB)
    certificate = HostFile("/etc/failover/ca.pem", authority.certificate)
    lab.host("operator").write_files((certificate,))
    for number, host in enumerate((primary, standby), start=1):
        own = authority.issue(host.name, host.address)
        host.write_files((certificate, *mariadb.files(number, own)))
    mariadb.install_data(primary, (standby,))
    server = mariadb.MariaDb()
    for host in (primary, standby):
        server.start(host)
        host.enable("mariadb")
    server.ready(primary)
    mariadb.sql(primary, _accounts(chosen))
    server.ready(standby)
    mariadb.replicate(standby, source=primary, user=REPLICATION, password=chosen.replication)
    mariadb.wait_for_position(standby, mariadb.sql(primary, "SELECT @@gtid_binlog_pos;").strip())


def _accounts(chosen: Secrets) -> str:
    grants = ";\n".join(render_grants(ADMIN, "localhost"))
    return f"""\
CREATE USER {ADMIN}@'localhost' IDENTIFIED BY {mariadb.quote(chosen.database)};
CREATE USER {REPLICATION}@'%' IDENTIFIED BY {mariadb.quote(chosen.replication)} REQUIRE SSL;
CREATE USER {SITE}@'localhost' IDENTIFIED BY {mariadb.quote(chosen.site)};
{grants};
GRANT REPLICATION SLAVE ON *.* TO {REPLICATION}@'%';
{_SCHEMA}
GRANT SELECT, INSERT, UPDATE, DELETE ON site.* TO {SITE}@'localhost';
"""


def _make_name_servers(lab: Lab, names: Sequence[str], chosen: Secrets) -> None:
    first, second = (lab.host(name) for name in NAME_SERVERS)
    first.write_files(bind.primary_files(names, place_of(WEB[0]).address, chosen.tsig))
    second.write_files(bind.secondary_files())
    server = SERVICES["named"]
    # In this order: a secondary that finds no primary at its start waits before it asks again.
    for host in (first, second):
        server.start(host)
        server.ready(host)
        host.enable("named")


def start_daemons(hosts: Sequence[Host], *names: str) -> None:
    """Start failover's own daemons (`sync`, `monitor`) on hosts of a pair that has its roles, now and at every boot."""
    for host in hosts:
        host.enable(*names)
        for name in names:
            SERVICES[name].start(host)
