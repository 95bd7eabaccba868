"""What is known of the pair at one moment: one look at both nodes and at DNS, taken in parallel, frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from failover.dns.register import Register
from failover.errors import FailoverError
from failover.model.role import Role
from failover.replication.model import ServerStatus
from failover.switchover.names import DnsView
from failover.switchover.node import NodeFacts, NodeOrders
from failover.system.clock import Clock

_PROBE_SECONDS = 5.0
_REACH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node. `facts` None: it could not be asked, and `trouble` says why. `database` None: likewise."""

    name: str
    facts: NodeFacts | None
    database: ServerStatus | None
    trouble: str | None = None
    reaches_at_peer: tuple[str, ...] = ()
    """Which servers of the other node (`ssh`, `database`) take a connection from this one."""

    @property
    def role(self) -> Role | None:
        """The role it holds by its own disk; None if it does not know, or cannot be asked."""
        return None if self.facts is None or self.facts.state is None else self.facts.state.role

    @property
    def epoch(self) -> int | None:
        """The epoch it is in; None as for `role`."""
        return None if self.facts is None or self.facts.state is None else self.facts.state.epoch


@dataclass(frozen=True, slots=True)
class PairFacts:
    """The pair at one moment."""

    at: datetime
    nodes: Mapping[str, NodeView]
    dns: DnsView

    @property
    def highest_epoch(self) -> int | None:
        """The highest epoch that any node or the register knows; None if none knows one."""
        epochs = [view.epoch for view in self.nodes.values() if view.epoch is not None]
        if isinstance(self.dns.register, Register):
            epochs.append(self.dns.register.epoch)
        return max(epochs, default=None)

    @property
    def primary(self) -> NodeView | None:
        """The node that is primary in the highest epoch known; None if no node says so."""
        highest = max((view.epoch for view in self.nodes.values() if view.epoch is not None), default=None)
        holders = [
            view for view in self.nodes.values() if view.role is Role.PRIMARY and view.epoch == highest
        ]
        return holders[0] if len(holders) == 1 else None

    def peer_of(self, name: str) -> NodeView:
        """The other node."""
        return next(view for view in self.nodes.values() if view.name != name)


def collect(
    nodes: Mapping[str, NodeOrders],
    look_at_dns: Callable[[], DnsView],
    clock: Clock,
) -> PairFacts:
    """Ask everybody once. Never raises for what does not answer: that is a fact too. Nor does `look_at_dns`."""
    with ThreadPoolExecutor(max_workers=len(nodes) + 1) as workers:
        dns = workers.submit(look_at_dns)
        described = {name: workers.submit(_describe, node) for name, node in nodes.items()}
        looks = {name: future.result() for name, future in described.items()}
        databases = _probe_standby_first(nodes, looks, workers)
        views = {
            name: NodeView(name, facts, databases[name], trouble, reaches)
            for name, (facts, trouble, reaches) in looks.items()
        }
        return PairFacts(clock.now(), dict(sorted(views.items())), dns.result())


_Look = tuple[NodeFacts | None, str | None, tuple[str, ...]]


def _describe(node: NodeOrders) -> _Look:
    try:
        return node.describe(), None, node.reach_peer(timeout_seconds=_REACH_SECONDS)
    except FailoverError as error:
        return None, error.message, ()


def _probe_standby_first(
    nodes: Mapping[str, NodeOrders],
    looks: Mapping[str, _Look],
    workers: ThreadPoolExecutor,
) -> dict[str, ServerStatus | None]:
    """Probe both servers. The standby first: read after the primary, it would seem to have what the primary lacks."""

    def is_primary(name: str) -> bool:
        facts = looks[name][0]
        return facts is not None and facts.state is not None and facts.state.role is Role.PRIMARY

    found: dict[str, ServerStatus | None] = {}
    for wave in (
        [name for name in nodes if not is_primary(name)],
        [name for name in nodes if is_primary(name)],
    ):
        probes: dict[str, Future[ServerStatus | None]] = {
            name: workers.submit(_probe, nodes[name]) for name in wave if looks[name][0] is not None
        }
        found |= {name: probe.result() for name, probe in probes.items()}
    return {name: found.get(name) for name in nodes}


def _probe(node: NodeOrders) -> ServerStatus | None:
    try:
        return node.probe_database(timeout_seconds=_PROBE_SECONDS)
    except FailoverError:
        # Unknown: the node itself may be gone by now. The findings say that nobody could look.
        return None
