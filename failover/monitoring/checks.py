"""The checks by name: which findings and figures each is about. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from failover.config.settings import Settings
from failover.model.codes import Code
from failover.model.finding import Finding, Severity
from failover.monitoring.nagios import Metric, PluginOutput, render
from failover.monitoring.summary import as_json
from failover.switchover.facts import PairFacts
from failover.switchover.preflight import judge_databases, judge_pair
from failover.sync.health import judge_mirrors


@dataclass(frozen=True, slots=True)
class Check:
    """One check's result, not rendered yet."""

    name: str
    findings: tuple[Finding, ...]
    well: str
    metrics: tuple[Metric, ...]

    def render(self) -> PluginOutput:
        """As a Nagios plug-in prints it."""
        return render(self.name, self.findings, self.well, self.metrics)


def run_check(name: str, facts: PairFacts, settings: Settings) -> Check:
    """The check of that name, from one look at the pair."""
    return {
        "replication": _replication,
        "mirror": _mirror,
        "dns": _dns,
        "readiness": _readiness,
    }[name](facts, settings)


def _replication(facts: PairFacts, settings: Settings) -> Check:
    told = as_json(facts, (), settings)["replication"]
    limits = settings.database
    metrics = (
        Metric("transactions_behind", told["transactions_behind"]),
        Metric(
            "seconds_behind",
            told["seconds_behind"],
            "s",
            warning=limits.lag_warning_seconds,
            critical=limits.lag_critical_seconds,
        ),
    )
    findings = (*_missing_nodes(facts), *judge_databases(facts, settings))
    well = next(
        (found.summary for found in findings if found.code is Code.REPLICATION_OK), "replication is well"
    )
    return Check("replication", findings, well, metrics)


def _mirror(facts: PairFacts, settings: Settings) -> Check:
    primary = facts.primary
    if primary is None or primary.facts is None:
        unknown = Finding(
            Code.ROLE_UNKNOWN, Severity.UNKNOWN, "no node says that it is primary", "failover status"
        )
        return Check("mirror", (*_missing_nodes(facts), unknown), "", ())
    statuses = primary.facts.mirrors
    metrics = []
    for status in statuses or ():
        limits = settings.mirrors.get(status.mirror)
        metrics.append(Metric(f"{status.mirror}_waiting_paths", status.waiting_paths))
        metrics.append(
            Metric(
                f"{status.mirror}_oldest_seconds",
                # Nothing waits: then the oldest of nothing is 0 s old, and that is known.
                0 if status.waiting_paths == 0 else status.oldest_age_seconds,
                "s",
                warning=limits.lag_warning_seconds if limits else None,
                critical=limits.lag_critical_seconds if limits else None,
            )
        )
    findings = judge_mirrors(primary.name, statuses, settings.mirrors)
    return Check("mirror", findings, f"{primary.name} mirrors {', '.join(settings.mirrors)}", tuple(metrics))


def _dns(facts: PairFacts, settings: Settings) -> Check:
    findings = tuple(
        found for found in judge_pair(facts, settings) if found.code.value.startswith(("dns-", "register-"))
    )
    if facts.primary is None:
        unknown = Finding(
            Code.ROLE_UNKNOWN, Severity.UNKNOWN, "no node says that it is primary", "failover status"
        )
        findings = (unknown,)
    well = next((found.summary for found in findings if found.code is Code.DNS_OK), "DNS agrees")
    return Check("dns", findings, well, ())


def _readiness(facts: PairFacts, settings: Settings) -> Check:
    findings = judge_pair(facts, settings)
    in_the_way = sum(found.blocks for found in findings)
    return Check("readiness", findings, "a switchover would work now", (Metric("blockers", in_the_way),))


def _missing_nodes(facts: PairFacts) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            Code.NODE_UNREACHABLE,
            Severity.CRITICAL,
            f"{view.name} does not answer: {view.trouble}",
            None,
            view.name,
        )
        for view in facts.nodes.values()
        if view.facts is None
    )
