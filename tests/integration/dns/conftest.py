"""A private BIND primary on 127.0.0.1 and a secondary on ::1, both on one free port, gone when the test is over."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest

from failover.config.settings import DnsServerSettings, DnsSettings, RecordSettings, TsigSettings
from failover.system.clock import SystemClock
from failover.system.deadline import poll

SECRET = "c2VjcmV0LW9mLXRoZS1sYWItb25seS0zMi1ieXRlcyE="
PRIMARY, SECONDARY = "127.0.0.1", "::1"

ZONE_FILE = """$TTL 60
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
@ NS ns2
ns1 A 127.0.0.1
ns2 AAAA ::1
alias CNAME ns1
forbidden A 192.0.2.1
"""


def configuration(directory: Path, port: int, zone: str, listen: str) -> str:
    return f"""
key failover. {{ algorithm hmac-sha256; secret "{SECRET}"; }};
key strong. {{ algorithm hmac-sha512; secret "{SECRET}"; }};
key weak. {{ algorithm hmac-sha256; secret "{SECRET}"; }};
options {{
    directory "{directory}"; pid-file "named.pid"; session-keyfile "session.key"; lock-file none;
    {listen}
    recursion no; dnssec-validation no; empty-zones-enable no; notify-delay 0; minimal-responses no;
}};
controls {{ }};
zone "example.test" {{ {zone} }};
"""


def primary_zone(port: int, *, is_notifying: bool) -> str:
    grants = "".join(
        f"grant {key} name {name}.example.test. A AAAA TXT;"
        for key in ("failover.", "strong.")
        for name in ("www", "mail", "alias", "_failover.www")
    )
    notify = f"notify explicit; also-notify {{ {SECONDARY} port {port}; }};" if is_notifying else "notify no;"
    return f'type primary; file "zone"; update-policy {{ {grants} }}; {notify}'


class Named:
    """One named process; `stop` ends it at once, frozen or not."""

    def __init__(self, directory: Path, address: str, port: int, zone: str, records: str = "") -> None:
        directory.mkdir()
        listen = (
            f"listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }};"
            if ":" not in address
            else f"listen-on {{ none; }}; listen-on-v6 port {port} {{ {address}; }};"
        )
        (directory / "zone").write_text(ZONE_FILE + records)
        (directory / "named.conf").write_text(configuration(directory, port, zone, listen))
        self.address, self.port, self._log = address, port, directory / "log"
        self.process = subprocess.Popen(
            ["named", "-f", "-n", "1", "-c", str(directory / "named.conf"), "-L", str(self._log)]
        )

    def wait_until_up(self) -> None:
        question = dns.message.make_query("example.test.", "SOA")

        def ask() -> bool | None:
            assert self.process.poll() is None, self._log.read_text()
            with contextlib.suppress(OSError, dns.exception.DNSException):
                return (
                    dns.query.tcp(question, self.address, timeout=1, port=self.port).rcode()
                    == dns.rcode.NOERROR
                    or None
                )
            return None

        poll(ask, clock=SystemClock(), seconds=10, what="named is up")

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)


def free_port() -> int:
    """A port free for TCP and UDP on both addresses, below those that the kernel gives to outgoing connections."""
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.ExitStack() as stack:
            try:
                for address, family in ((PRIMARY, socket.AF_INET), (SECONDARY, socket.AF_INET6)):
                    stack.enter_context(socket.create_server((address, port), family=family))
                    stack.enter_context(socket.socket(family, socket.SOCK_DGRAM)).bind((address, port))
            except OSError:
                continue
            return port


StartNamed = Callable[..., Named]


@pytest.fixture
def start_named(tmp_path: Path) -> Iterator[StartNamed]:
    if shutil.which("named") is None:
        pytest.skip("named (package bind9) is not installed")
    running: list[Named] = []

    def start(address: str, port: int, zone: str, records: str = "") -> Named:
        named = Named(tmp_path / f"named{len(running)}", address, port, zone, records)
        running.append(named)
        named.wait_until_up()
        return named

    yield start
    for named in running:
        named.stop()


@pytest.fixture
def primary(start_named: StartNamed) -> Named:
    port = free_port()
    return start_named(PRIMARY, port, primary_zone(port, is_notifying=False))


def settings_for(
    *servers: tuple[str, int], key: str = "failover.", algorithm: str = "hmac-sha256"
) -> DnsSettings:
    return DnsSettings(
        zone="example.test.",
        servers=tuple(DnsServerSettings(address=address, port=port) for address, port in servers),
        tsig=TsigSettings.model_validate({"name": key, "algorithm": algorithm, "secret": "env:UNUSED"}),
        records=(
            RecordSettings(
                name="www.example.test.",
                type="A",
                values={"alpha": ("10.77.0.11",), "bravo": ("10.77.0.12",)},
            ),
            RecordSettings(
                name="mail.example.test.",
                type="A",
                values={"alpha": ("10.77.0.11",), "bravo": ("10.77.0.12",)},
            ),
        ),
        query_timeout_seconds=0.5,
    )


@pytest.fixture
def elapsed() -> Callable[[], float]:
    start = time.monotonic()
    return lambda: time.monotonic() - start
