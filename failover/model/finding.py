"""A finding: one fact about the pair, with a stable code, a severity, a sentence and a hint.

Health, preflight, alerts and Nagios output are all lists of findings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from failover.model.codes import Code


class Severity(IntEnum):
    """How bad a finding is. The numbers order severities (`max` gives the worst); Nagios has its own in nagios.py."""

    OK = 0
    WARNING = 1
    UNKNOWN = 2
    """Could not tell. Worse than a warning: an unknown blocks a switchover."""
    CRITICAL = 3

    @property
    def word(self) -> str:
        """The lower-case word shown to people and in JSON."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `summary` is a sentence without a full stop; `subject` is the node, mirror or name it is about."""

    code: Code
    severity: Severity
    summary: str
    hint: str | None = None
    subject: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether it stands in the way of a switchover unless accepted by name (`--accept CODE`)."""
        return self.severity >= Severity.UNKNOWN


def worst(findings: Iterable[Finding]) -> Severity:
    """The highest severity among the findings; OK if there are none."""
    return max((finding.severity for finding in findings), default=Severity.OK)
