"""BIND in the hosts: ns1 has the zone and takes updates for the site's names only, ns2 follows it. Debian's paths,
which are also the only ones that Ubuntu's AppArmor profile lets named touch.
"""

from __future__ import annotations

from collections.abc import Sequence

from failover.lab.host import Host
from failover.lab.host_file import HostFile, folder
from failover.lab.services.waiting import wait_until
from failover.lab.topology import NAME_SERVERS, place_of

ZONE = "example.test"
SITE_NAMES = ("www.example.test", "site.example.test")
KEY_NAME = "failover"
TTL_SECONDS = 2
LOG = "/var/log/named/named.log"
PROGRAM = "named"
_OWNER = "bind"
_PRIMARY, _SECONDARY = NAME_SERVERS
_KEY_FILE = "/etc/bind/failover.key"


def zone_text(names: Sequence[str], address: str) -> str:
    """The zone at its birth: every site name is at `address`."""
    lines = [
        f"$TTL {TTL_SECONDS}",
        # Refresh and retry in seconds: ns2 must notice by itself what a lost NOTIFY did not tell it.
        f"{ZONE}. SOA {_PRIMARY}.{ZONE}. hostmaster.{ZONE}. 1 2 1 86400 {TTL_SECONDS}",
        *(f"{ZONE}. NS {name}.{ZONE}." for name in NAME_SERVERS),
        *(f"{name}.{ZONE}. A {place_of(name).address}" for name in NAME_SERVERS),
        *(f"{name}. A {address}" for name in names),
    ]
    return "\n".join(lines) + "\n"


def update_policy(names: Sequence[str]) -> str:
    """What the key may change (named.conf, update-policy): the addresses of the site's names and their registers."""
    rules = [f"grant {KEY_NAME} name {name}. A AAAA;" for name in names]
    rules += [f"grant {KEY_NAME} name _failover.{name}. TXT;" for name in names]
    return "update-policy { " + " ".join(rules) + " };"


def primary_files(names: Sequence[str], address: str, secret: str) -> tuple[HostFile, ...]:
    """What ns1 needs on disk; `secret` is the key in base64."""
    peer = place_of(_SECONDARY).address
    zone = (
        f'type primary; file "/var/lib/bind/db.{ZONE}"; {update_policy(names)}\n'
        f"    allow-transfer {{ {peer}; }}; notify explicit; also-notify {{ {peer}; }};"
    )
    key = f'key "{KEY_NAME}" {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
    return (
        *_files(_PRIMARY, f'include "{_KEY_FILE}";\n', zone),
        HostFile(_KEY_FILE, key.encode(), mode=0o640, owner=f"root:{_OWNER}"),
        HostFile(f"/var/lib/bind/db.{ZONE}", zone_text(names, address).encode(), owner=_OWNER),
    )


def secondary_files() -> tuple[HostFile, ...]:
    """What ns2 needs on disk."""
    peer = place_of(_PRIMARY).address
    zone = (
        f'type secondary; file "/var/cache/bind/db.{ZONE}"; primaries {{ {peer}; }}; allow-transfer {{ none; }};\n'
        "    notify no; min-refresh-time 1; max-refresh-time 2; min-retry-time 1; max-retry-time 2;"
    )
    return _files(_SECONDARY, "", zone)


def _files(name: str, head: str, zone: str) -> tuple[HostFile, ...]:
    text = f"""\
{head}options {{
    directory "/var/cache/bind";
    pid-file "/run/named/named.pid";
    session-keyfile "/run/named/session.key";
    listen-on {{ 127.0.0.1; {place_of(name).address}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    allow-query {{ any; }};
    dnssec-validation no;
    notify-delay 0;
    serial-query-rate 100;
}};
controls {{ }};
zone "{ZONE}" {{
    {zone}
}};
"""
    return (
        HostFile("/etc/bind/named.conf", text.encode()),
        folder("/var/lib/bind", mode=0o775, owner=f"root:{_OWNER}"),
        folder("/var/cache/bind", mode=0o775, owner=f"root:{_OWNER}"),
        folder("/var/log/named", mode=0o755, owner=_OWNER),
    )


class Bind:
    """named on port 53."""

    def start(self, host: Host) -> None:
        """Start it, unless it runs."""
        if host.process_numbers(PROGRAM):
            return
        host.make_folder("/run/named", owner=_OWNER)
        host.start_server((PROGRAM, "-g", "-u", _OWNER, "-n", "1"), log=LOG)

    def ready(self, host: Host) -> None:
        """Wait until it answers for the zone with authority. Raises LabError."""
        wait_until(host, lambda: _is_authority(host), f"named answers for {ZONE}", log=LOG)


def _is_authority(host: Host) -> bool:
    argv = ("dig", "+norecurse", "+time=1", "+tries=1", f"@{host.address}", ZONE, "SOA")
    said = host.run(argv, accepted=range(256)).stdout.decode("utf-8", "replace")
    flags = [line for line in said.splitlines() if line.startswith(";; flags:")]
    return "status: NOERROR" in said and any(
        " aa" in line.partition(";; flags:")[2].split(";")[0] for line in flags
    )
