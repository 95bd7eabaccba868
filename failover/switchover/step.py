"""A step's act and undo, and what they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from failover.config.settings import Settings
from failover.errors import UnreachableError
from failover.switchover.node import NodeOrders
from failover.switchover.plan import Plan, StepName
from failover.system.clock import Clock

StepResult = dict[str, Any]
"""What a step found out that later steps, a resumed run or the report need; goes into the journal, so never a secret."""


class NameMover(Protocol):
    """DNS as the steps need it."""

    def create(self, *, new: str, epoch: int) -> StepResult:
        """Write the register for the first time."""
        ...

    def move(self, *, old: str, new: str, epoch: int) -> StepResult:
        """Move every name and the register in one update; already there is fine."""
        ...

    def verify(self, *, new: str, epoch: int, timeout_seconds: float) -> StepResult:
        """Wait until every authority agrees. Raises DeadlineError if they do not."""
        ...


@dataclass(slots=True)
class Context:
    """What the steps act on. `nodes` has only the nodes that answer; `results` those of the steps done so far."""

    plan: Plan
    settings: Settings
    nodes: Mapping[str, NodeOrders]
    names: NameMover
    clock: Clock
    results: dict[str, StepResult] = field(default_factory=dict)

    def node(self, name: str) -> NodeOrders:
        """A node that has to be there. Raises UnreachableError if it is not."""
        if name not in self.nodes:
            raise UnreachableError(f"{name} does not answer")
        return self.nodes[name]

    @property
    def old(self) -> NodeOrders:
        """The node that is to be standby."""
        return self.node(self.plan.old)

    @property
    def new(self) -> NodeOrders:
        """The node that is to be primary."""
        return self.node(self.plan.new)

    def result(self, name: StepName) -> StepResult:
        """What an earlier step found out; empty if it is not part of the plan."""
        return self.results.get(name, {})


@dataclass(frozen=True, slots=True)
class Step:
    """How a planned step is carried out. Both functions may be run twice; `undo` None: nothing to give back."""

    act: Callable[[Context, float], StepResult]
    undo: Callable[[Context], None] | None = None
