"""Findings as a Nagios plug-in says them: one line, performance data, details, an exit status. Pure.

Conventions: the Monitoring Plugins' development guidelines. Nagios, Icinga, Naemon and Checkmk read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from failover.model.finding import Finding, Severity, worst

_STATUSES = {Severity.OK: 0, Severity.WARNING: 1, Severity.CRITICAL: 2, Severity.UNKNOWN: 3}
_FORBIDDEN_IN_TEXT = str.maketrans({"|": "/", "\n": " ", "\r": " "})
_FORBIDDEN_IN_LABEL = str.maketrans({"'": "_", "=": "_"})


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of the performance data. `value` None is unknown, written `U` as the guidelines have it.

    `unit` is `s`, `B`, `%`, `c` or nothing; warning and critical are the limits the findings were judged by.
    """

    label: str
    value: float | None
    unit: str = ""
    warning: float | None = None
    critical: float | None = None

    def __str__(self) -> str:
        value = "U" if self.value is None else f"{_number(self.value)}{self.unit}"
        limits = ";".join("" if limit is None else _number(limit) for limit in (self.warning, self.critical))
        return f"'{self.label.translate(_FORBIDDEN_IN_LABEL)}'={value};{limits};0"


@dataclass(frozen=True, slots=True)
class PluginOutput:
    """What a plug-in prints, and how it exits."""

    text: str
    exit_status: int


def render(
    check: str, findings: Sequence[Finding], summary_when_well: str, metrics: Iterable[Metric]
) -> PluginOutput:
    """The output of one check: the worst finding first, the others below with their hints.

    Findings of severity OK only inform; without a worse one the line says `summary_when_well`.
    """
    severity = worst(findings)
    bad = sorted(
        (found for found in findings if found.severity > Severity.OK), key=lambda found: -found.severity
    )
    headline = bad[0].summary if bad else summary_when_well
    if len(bad) > 1:
        headline += f" (and {len(bad) - 1} more)"
    figures = " ".join(map(str, metrics))
    first = f"{check.upper()} {severity.name} - {_text(headline)}" + (f" | {figures}" if figures else "")
    details = [
        f"{found.severity.name}: {_text(found.summary)} [{found.code}]"
        + (f"; {_text(found.hint)}" if found.hint else "")
        for found in bad
    ]
    return PluginOutput("\n".join([first, *details]), _STATUSES[severity])


def unknown(check: str, message: str, hint: str | None) -> PluginOutput:
    """The output when the check itself could not be made: broken configuration, no access. Always UNKNOWN."""
    return PluginOutput(
        f"{check.upper()} UNKNOWN - {_text(message)}" + (f"\n{_text(hint)}" if hint else ""),
        _STATUSES[Severity.UNKNOWN],
    )


def _text(text: str) -> str:
    """`|` begins the performance data and a line end the details: neither may come from a message."""
    return text.translate(_FORBIDDEN_IN_TEXT)


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
