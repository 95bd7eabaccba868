"""A node's role, and what a node remembers of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a node is for. A node that does not know its role has none; it never guesses."""

    PRIMARY = "primary"
    STANDBY = "standby"


@dataclass(frozen=True, slots=True)
class NodeState:
    """What a node keeps on its own disk about its role: it survives a reboot and decides what the node may do.

    `epoch` is 1 at `failover init` and one more at every change of roles; the higher one wins, always.
    `primary` is the name of the node that is primary in that epoch, so `role` follows from it and `node`.
    """

    node: str
    epoch: int
    primary: str

    @property
    def role(self) -> Role:
        """This node's role in this epoch."""
        return Role.PRIMARY if self.node == self.primary else Role.STANDBY
