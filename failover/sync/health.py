"""Mirror states against their limits: findings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from failover.config.settings import MirrorSettings
from failover.model.codes import Code
from failover.model.finding import Finding, Severity
from failover.sync.status import MirrorState, MirrorStatus

_STOPPED = frozenset(
    {MirrorState.REFUSED, MirrorState.HALTED, MirrorState.STOPPED, MirrorState.WATCHING_ONLY}
)


def judge_mirrors(
    node: str, statuses: Sequence[MirrorStatus] | None, mirrors: Mapping[str, MirrorSettings]
) -> tuple[Finding, ...]:
    """What is wrong with the mirrors of the primary `node`. `statuses` None: its sync daemon does not answer."""
    if statuses is None:
        return (
            Finding(
                Code.MIRROR_DOWN,
                Severity.CRITICAL,
                f"the sync daemon on {node} does not answer, nothing is mirrored",
                f"on {node}: systemctl status failover-sync",
                node,
            ),
        )
    by_name = {status.mirror: status for status in statuses}
    findings = (_judge(node, name, by_name.get(name), limits) for name, limits in mirrors.items())
    return tuple(finding for finding in findings if finding is not None)


def _judge(node: str, name: str, status: MirrorStatus | None, limits: MirrorSettings) -> Finding | None:
    if status is None:
        summary = f"mirror {name} is configured here and unknown to the sync daemon on {node}"
        return Finding(
            Code.MIRROR_UNKNOWN, Severity.UNKNOWN, summary, f"on {node}: failover config validate", name
        )
    why = f": {status.last_error}" if status.last_error else ""
    if status.state in _STOPPED:
        summary = f"mirror {name} is {status.state}, it {status.state.description}{why}"
        return Finding(Code.MIRROR_HALTED, Severity.CRITICAL, summary, f"on {node}: failover status", name)
    if status.state is MirrorState.PEER_UNREACHABLE:
        summary = f"mirror {name}: the standby does not answer{why}"
        return Finding(
            Code.MIRROR_LAGGING, Severity.CRITICAL, summary, f"from {node}, ssh to the standby", name
        )
    if status.waiting_paths is None:
        summary = f"mirror {name}: nobody knows what waits"
        return Finding(Code.MIRROR_UNKNOWN, Severity.UNKNOWN, summary, f"on {node}: failover status", name)
    return _judge_age(name, status, limits)


def _judge_age(name: str, status: MirrorStatus, limits: MirrorSettings) -> Finding | None:
    age = status.oldest_age_seconds
    if age is None or age < limits.lag_warning_seconds:
        return None
    severity = Severity.CRITICAL if age >= limits.lag_critical_seconds else Severity.WARNING
    summary = f"mirror {name}: {status.waiting_paths} paths wait, the oldest for {age:.0f} s"
    return Finding(Code.MIRROR_LAGGING, severity, summary, None, name)
