"""The only place that builds real clocks, runners and clients from the settings.

What only an operator's command needs (DNS above all) is imported where it is built: a node's agent is started for
every command, and each tenth of a second of its start is one that a dead site stays dead.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover.config.secrets import read_secret
from failover.config.settings import Settings
from failover.config.this_node import this_node
from failover.errors import ExitStatus, FailoverError
from failover.model.codes import Code
from failover.system.clock import SystemClock
from failover.system.process import PipeProcess
from failover.system.remote import SshTarget
from failover.system.runner import LocalRunner

if TYPE_CHECKING:
    from failover.dns.matrix import Matrix
    from failover.switchover.facts import PairFacts
    from failover.switchover.local_node import LocalNode
    from failover.switchover.names import Names
    from failover.switchover.node import NodeOrders
    from failover.switchover.plan import Plan
    from failover.switchover.step import Context


def name_of_this_node(settings: Settings) -> str | None:
    """Which of the two nodes this host is; None on an operator's own host."""
    return this_node(settings, environment=os.environ, hostname=socket.gethostname())


def ssh_target(settings: Settings, node: str) -> SshTarget:
    """How to log in on a node."""
    there = settings.nodes[node]
    return SshTarget(
        host=there.address,
        user=there.ssh_user,
        port=there.ssh_port,
        key=settings.ssh.key,
        known_hosts=settings.ssh.known_hosts,
        connect_timeout_seconds=settings.ssh.connect_timeout_seconds,
    )


def make_names(
    settings: Settings, *, accepted: Collection[Code] = (), progress: Callable[[Matrix], None] | None = None
) -> Names:
    """DNS, with the key.

    Raises:
        SecretError: the key cannot be read.
    """
    from failover.dns.propagation import Propagation
    from failover.dns.rfc2136 import Rfc2136Provider
    from failover.switchover.names import Names

    clock = SystemClock()
    secret = read_secret(settings.dns.tsig.secret, environment=os.environ)
    provider = Rfc2136Provider(settings.dns, secret.reveal(), clock=clock)
    return Names(
        settings.dns, provider, Propagation(settings.dns, clock=clock), accepted=accepted, progress=progress
    )


def make_local_node(settings: Settings, node: str) -> LocalNode:
    """This node's own orders."""
    from failover.switchover.local_node import LocalNode

    return LocalNode(settings, node, clock=SystemClock(), runner=LocalRunner(), environment=os.environ)


@dataclass(frozen=True, slots=True)
class Pair:
    """Open sessions to both nodes, and DNS."""

    settings: Settings
    nodes: Mapping[str, NodeOrders]
    names: Names
    clock: SystemClock

    def collect(self) -> PairFacts:
        """One look at everything."""
        from failover.switchover.facts import collect

        return collect(self.nodes, self.names.look, self.clock)

    def context(self, plan: Plan, nodes: Mapping[str, NodeOrders]) -> Context:
        """What a plan's steps act on."""
        from failover.switchover.step import Context

        return Context(plan, self.settings, nodes, self.names, self.clock)

    def answering(self, facts: PairFacts) -> dict[str, NodeOrders]:
        """The sessions to the nodes that answered in that look."""
        return {name: self.nodes[name] for name, view in facts.nodes.items() if view.facts is not None}


@contextmanager
def open_pair(settings: Settings, names: Names) -> Iterator[Pair]:
    """Sessions to both nodes, opened side by side; whether a node answers shows at the first question to it."""
    from failover.switchover.wire import call_over

    clock, here = SystemClock(), name_of_this_node(settings)
    with ExitStack() as stack:
        nodes: dict[str, NodeOrders] = {}
        for node in settings.nodes:
            argv = (
                (sys.executable, "-m", "failover", "agent")
                if node == here
                else _agent_over_ssh(settings, node)
            )
            nodes[node] = call_over(node, stack.enter_context(PipeProcess(argv, clock=clock)))
        yield Pair(settings, nodes, names, clock)


def _agent_over_ssh(settings: Settings, node: str) -> tuple[str, ...]:
    return ssh_target(settings, node).ssh_argv("failover agent")


def who_is_here() -> str:
    """User, host and process, for the journal and for whoever finds the lock taken."""
    user = os.environ.get("SUDO_USER") or os.environ.get("USER") or str(os.getuid())
    return f"{user}@{socket.gethostname()} (process {os.getpid()})"


def serve_agent(settings: Settings) -> None:
    """Answer one operator's session on stdin and stdout until it ends.

    Raises:
        FailoverError: this host is neither of the two nodes.
    """
    from failover.switchover.agent import serve

    node = name_of_this_node(settings)
    if node is None:
        raise FailoverError(
            f"this host ({socket.gethostname()}) is neither {' nor '.join(settings.nodes)}",
            hint="name it in FAILOVER_NODE, or run this on a node",
            exit_status=ExitStatus.UNKNOWN_NODE,
        )
    serve(
        make_local_node(settings, node),
        stdin=sys.stdin.fileno(),
        stdout=sys.stdout.fileno(),
        idle_limit_seconds=settings.switchover.lock_seconds,
    )
