"""What an operator of the lab's pair types, and what the visitors of its site do."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from failover.lab.host import Host
from failover.lab.lab import Lab
from failover.system.clock import SystemClock
from failover.system.deadline import poll

ANY_STATUS = frozenset(range(256))


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def outcome(self) -> str:
        return str(self.events[-1]["outcome"])


class Operator:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.host = lab.host("operator")

    def run(self, *words: str, host: Host | None = None, environment: dict[str, str] | None = None) -> Said:
        """Run `failover WORDS`, on the operator's host or another."""
        settings = tuple(f"{name}={value}" for name, value in (environment or {}).items())
        argv = ("env", *settings, "failover", *words)
        result = (host or self.host).run(argv, timeout_seconds=120, accepted=ANY_STATUS)
        return Said(result.status, result.stdout.decode(), result.stderr.decode())

    def failover(self, *words: str) -> Said:
        """Run `failover WORDS`; it has to end well."""
        said = self.run(*words)
        assert said.status == 0, said
        return said

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start `failover WORDS` and do not wait for it."""
        return self.host.popen(
            ("failover", *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def status(self) -> dict[str, Any]:
        return dict(self.run("status", "--json").json)

    def until_healthy(self) -> None:
        """Wait until nothing stands in the way of a switchover."""
        last: list[Said] = []

        def healthy() -> bool | None:
            last[:] = [self.run("status", "--json")]
            return True if last[0].status == 0 else None

        try:
            poll(healthy, clock=SystemClock(), seconds=60, what="a healthy pair", interval_seconds=0.2)
        except Exception as error:
            raise AssertionError(last[0]) from error

    @property
    def primary(self) -> Host:
        return self.lab.host(self.status()["primary"])

    @property
    def standby(self) -> Host:
        return self.lab.host({"web1": "web2", "web2": "web1"}[self.primary.name])

    def sql(self, host: Host, statement: str) -> str:
        """Ask a node's database as its root."""
        result = host.run(
            ("mariadb", "--batch", "--skip-column-names", "--execute", statement), timeout_seconds=20
        )
        return result.stdout.decode().strip()

    def is_read_only(self, host: Host) -> bool:
        return self.sql(host, "SELECT @@read_only") == "1"

    def serves(self, host: Host) -> bool:
        """Whether the node's web server takes visitors."""
        ask = f"import urllib.request; urllib.request.urlopen('http://{host.address}/healthz', timeout=2)"
        return self.host.run((sys.executable, "-c", ask), timeout_seconds=10, accepted=ANY_STATUS).status == 0

    def upload(self, host: Host, name: str, content: bytes) -> None:
        """Upload a file as a visitor does; returns when the site has acknowledged it."""
        url = f"http://{host.address}/uploads/{name}"
        send = (
            "import sys, urllib.request; "
            f"urllib.request.urlopen(urllib.request.Request({url!r}, sys.stdin.buffer.read(), method='PUT'), timeout=5)"
        )
        self.host.run((sys.executable, "-c", send), timeout_seconds=20, stdin=content)

    def comment(self, host: Host, token: str) -> None:
        """Post a comment as a visitor does; returns when the site has acknowledged it."""
        body = json.dumps({"token": token, "body": "hello", "author": "test"}).encode()
        send = (
            "import sys, urllib.request; urllib.request.urlopen(urllib.request.Request("
            f"'http://{host.address}/comments', sys.stdin.buffer.read(), "
            "headers={'Content-Type': 'application/json'}, method='POST'), timeout=5)"
        )
        self.host.run((sys.executable, "-c", send), timeout_seconds=20, stdin=body)

    def address(self, name: str = "www.example.test", server: str = "10.77.0.53") -> str:
        argv = ("dig", "+short", "+time=2", "+tries=1", f"@{server}", name, "A")
        return self.host.run(argv, timeout_seconds=10).stdout.decode().strip()

    def write_configuration(self, path: str, **dns: Any) -> dict[str, str]:
        """Another configuration on the operator's host, with changes in its dns section; the environment for it."""
        import yaml

        settings = yaml.safe_load(self.host.read("/etc/failover/failover.yaml"))
        settings["dns"].update(dns)
        self.host.write(path, yaml.safe_dump(settings).encode())
        return {"FAILOVER_CONFIG": path}
