"""What the demo asks a node of the lab directly, behind failover's back: what it really holds, what it really does."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Protocol

from failover.errors import FailoverError
from failover.lab.demo.ledger import Holdings
from failover.lab.demo.verdict import Check
from failover.system.clock import Clock
from failover.system.deadline import poll
from failover.system.runner import Result

_LIMIT_SECONDS = 10.0
UPLOADS = "/var/www/site/uploads"
_COMMENTS = "SELECT token FROM site.comments"
_INTRUDER = "written-by-the-old-primary"
_PUSH_SECONDS = 20.0
_DAEMON = " -m failover sync$"


class NodeHost(Protocol):
    """What the demo needs of a host of the lab."""

    @property
    def name(self) -> str:
        """The host's name."""
        ...

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        ...

    def run(self, argv: Sequence[str], *, timeout_seconds: float, accepted: Iterable[int] = ...) -> Result:
        """Run a program in it. Raises FailoverError."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write a file in it."""
        ...

    def power_cut(self) -> None:
        """Everything in it is gone at once; its disk stays."""
        ...

    def boot(self) -> None:
        """Power on; returns when its servers are up. Raises FailoverError."""
        ...


class Hosts(Protocol):
    """What the demo needs of the lab."""

    def host(self, name: str) -> NodeHost:
        """A host by its name."""
        ...


def holdings_of(host: NodeHost) -> Holdings:
    """The tokens in its database and the names of its uploads, each asked in one go."""
    comments = _query(host, _COMMENTS)
    names = host.run(("find", UPLOADS, "-type", "f", "-printf", "%f\\n"), timeout_seconds=_LIMIT_SECONDS)
    return Holdings(frozenset(comments.split()), frozenset(names.stdout.decode().split()))


def knock(operator: NodeHost, node: NodeHost) -> str:
    """What a visitor who knows the node's address gets there: `HTTP 200`, `connection refused`, ..."""
    argv = (sys.executable, "-m", "failover.lab.demo.visit", "knock", "--host", node.address, "--once")
    return operator.run(argv, timeout_seconds=_LIMIT_SECONDS).stdout.decode().strip()


def _query(host: NodeHost, statement: str) -> str:
    argv = ("mariadb", "--batch", "--skip-column-names", "--execute", statement)
    return host.run(argv, timeout_seconds=_LIMIT_SECONDS).stdout.decode().strip()


def fencing_of(
    returned: NodeHost, operator: NodeHost, *, clock: Clock, timeout_seconds: float
) -> tuple[Check, ...]:
    """Whether an old primary that was switched on again takes no writes and serves nobody.

    Raises:
        FailoverError: its database did not come up in time, so nothing can be said.
    """
    read_only = poll(
        lambda: _answer(returned, "SELECT @@global.read_only"),
        clock=clock,
        seconds=timeout_seconds,
        what=f"the database of {returned.name} after its boot",
        interval_seconds=0.2,
    )
    served = knock(operator, returned)
    return (
        Check(
            f"{returned.name} came back read-only", read_only not in {"0", "OFF"}, f"read_only={read_only}"
        ),
        Check(f"{returned.name} does not serve the site", not served.startswith("HTTP 2"), served),
    )


def _answer(host: NodeHost, statement: str) -> str | None:
    try:
        return _query(host, statement) or None
    except FailoverError:
        # Not up yet; `poll` asks again and says so if it never comes.
        return None


def try_to_push(returned: NodeHost, primary: NodeHost, *, clock: Clock) -> Check:
    """Write a file on the old primary, order it to mirror, and look for it on the new one.

    For the very end: its mirror's daemon is ended, and the file is a change that only the old primary has, so that a
    later loss report would list it.
    """
    returned.write(f"{UPLOADS}/{_INTRUDER}", b"this must not reach the primary\n")
    anything = frozenset(range(256))
    # The daemon had its time since the boot; what it would have pushed by itself is seen at the end as well. It has
    # to go, or the order below would be refused only because it runs.
    returned.run(("pkill", "-TERM", "-f", _DAEMON), timeout_seconds=_LIMIT_SECONDS, accepted=(0, 1))
    poll(
        lambda: None if _runs(returned, _DAEMON) else True,
        clock=clock,
        seconds=_LIMIT_SECONDS,
        what=f"the end of the mirror's daemon on {returned.name}",
    )
    push = returned.run(
        ("failover", "sync", "--once", "--timeout", "2"), timeout_seconds=_PUSH_SECONDS, accepted=anything
    )
    has_arrived = _INTRUDER in holdings_of(primary).uploads
    lines = (
        (push.stderr.strip() or push.stdout.strip() or b"it said nothing")
        .decode("utf-8", "replace")
        .splitlines()
    )
    said = next((line for line in lines if "refused" in line), lines[-1]).rpartition(" is refused: ")[2]
    return Check(
        f"{returned.name} cannot push files to {primary.name}",
        push.status != 0 and not has_arrived,
        f"its file {'ARRIVED' if has_arrived else 'stayed there'}; exit status {push.status}: {said}",
    )


def _runs(host: NodeHost, pattern: str) -> bool:
    found = host.run(("pgrep", "-f", pattern), timeout_seconds=_LIMIT_SECONDS, accepted=(0, 1))
    return found.status == 0
