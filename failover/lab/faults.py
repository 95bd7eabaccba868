"""What can go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from failover.lab.lab import Lab


class Faults:
    """Faults of a lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
