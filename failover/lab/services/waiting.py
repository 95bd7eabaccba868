"""Waiting until a server of a host serves, by what the kernel says of its sockets: no process is started to ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from failover.errors import DeadlineError, LabError
from failover.lab.host import Host
from failover.system.clock import SystemClock
from failover.system.deadline import poll

_LISTENS = "0A"
_ACCEPTS_CONNECTIONS = 0x10000
_LOG_LINES = 5


def listening_ports(table: str) -> frozenset[int]:
    """The ports that something listens on, by /proc/net/tcp or tcp6 (proc(5))."""
    rows = (line.split() for line in table.splitlines()[1:])
    return frozenset(
        int(row[1].rpartition(":")[2], 16) for row in rows if len(row) > 3 and row[3] == _LISTENS
    )


def listening_paths(table: str) -> frozenset[str]:
    """The Unix sockets that something listens on, by /proc/net/unix (proc(5))."""
    rows = (line.split(maxsplit=7) for line in table.splitlines()[1:])
    return frozenset(row[7] for row in rows if len(row) == 8 and int(row[3], 16) & _ACCEPTS_CONNECTIONS)


def is_listening(host: Host, port: int) -> bool:
    """Whether anything in the host listens on that TCP port."""
    net = Path(f"/proc/{host.pid}/net")
    return any(port in listening_ports((net / name).read_text("ascii")) for name in ("tcp", "tcp6"))


def is_listening_at(host: Host, path: str) -> bool:
    """Whether anything in the host listens on that Unix socket."""
    return path in listening_paths(Path(f"/proc/{host.pid}/net/unix").read_text("utf-8", "replace"))


def wait_until(host: Host, ask: Callable[[], bool], what: str, *, log: str, seconds: float = 15.0) -> None:
    """Wait until `ask` says yes.

    Raises:
        LabError: it did not within that time; with the last lines of the log.
    """
    try:
        poll(lambda: ask() or None, clock=SystemClock(), seconds=seconds, what=f"{host.name}: {what}")
    except DeadlineError as error:
        said = host.read(log).decode("utf-8", "replace").splitlines() if host.exists(log) else []
        raise LabError(error.message, hint="\n".join([f"{log}:", *said[-_LOG_LINES:]])) from None
