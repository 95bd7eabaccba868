"""failover's own daemons in the hosts, once a pair has its roles."""

from __future__ import annotations

from dataclasses import dataclass

from failover.lab.host import Host


@dataclass(frozen=True, slots=True)
class Daemon:
    """`failover NAME`, which says what it does in /var/log/failover/NAME.log."""

    name: str

    @property
    def log(self) -> str:
        """Where its output goes."""
        return f"/var/log/failover/{self.name}.log"

    def start(self, host: Host) -> None:
        """Start it, unless it runs."""
        if not self.process_numbers(host):
            host.start_server(("failover", self.name), log=self.log)

    def ready(self, host: Host) -> None:
        """Nothing to wait for: how it is, `failover status` says."""

    def stop(self, host: Host) -> None:
        """End it by SIGTERM; returns before it has ended."""
        for number in self.process_numbers(host):
            host.run(("kill", "-TERM", str(number)), accepted=(0, 1))

    def process_numbers(self, host: Host) -> tuple[int, ...]:
        """Its process numbers in the host."""
        said = host.run(("pgrep", "-f", f" -m failover {self.name}( |$)"), accepted=(0, 1)).stdout
        return tuple(int(number) for number in said.split())
