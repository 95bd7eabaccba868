"""What `failover status --json` says, as the demo needs it. What is not said, or not understood, is unknown; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LITTLE_SECONDS = 2.0
"""Under load something is always on its way: what waits for the batch under way and its own, and no longer."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node. None: not known."""

    name: str
    role: str | None
    epoch: int | None
    is_reachable: bool


@dataclass(frozen=True, slots=True)
class MirrorLine:
    """A mirror, as its sender has it. None: not known."""

    name: str
    state: str | None
    waiting_paths: int | None
    oldest_age_seconds: float | None

    @property
    def is_in_sync(self) -> bool:
        """Whether the standby has everything but what changed a moment ago."""
        if self.state == "sending":
            return self.oldest_age_seconds is not None and self.oldest_age_seconds < _LITTLE_SECONDS
        return self.state == "in-sync"

    def describe(self) -> str:
        """Its state and its lag in a few words."""
        words = [self.state or "unknown"]
        if self.waiting_paths:
            words.append(f"{self.waiting_paths} paths waiting")
        if self.oldest_age_seconds:
            words.append(f"the oldest for {self.oldest_age_seconds:.2f} s")
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding of a severity other than OK."""

    code: str
    severity: str
    summary: str

    @property
    def blocks(self) -> bool:
        """Whether it would stand in the way of a switchover."""
        return self.severity not in {"ok", "warning"}


@dataclass(frozen=True, slots=True)
class PairStatus:
    """One look at the pair. None: not known, which is never the same as 0."""

    nodes: tuple[NodeStatus, ...]
    mirrors: tuple[MirrorLine, ...]
    transactions_behind: int | None
    seconds_behind: float | None
    dns: tuple[tuple[str, str], ...]
    """Each authority and what it answers for the names that move."""
    findings: tuple[FindingLine, ...]

    def why_not_ready(self, *, primary: str, standby: str) -> str | None:
        """Why the pair could not lose `primary` now without losing much, or None: the standby is healthy."""
        roles = {node.name: node.role or "unknown" for node in self.nodes if node.is_reachable}
        if roles.get(primary) != "primary" or roles.get(standby) != "standby":
            said = ", ".join(f"{name} {role}" for name, role in sorted(roles.items()))
            return f"roles: {said or 'nobody answers'}"
        for finding in self.findings:
            if finding.blocks:
                return finding.summary
        late = next((mirror for mirror in self.mirrors if not mirror.is_in_sync), None)
        if late is not None or not self.mirrors:
            return "the mirror is " + ("unknown" if late is None else late.describe())
        if self.transactions_behind is None and self.seconds_behind is None:
            return "the standby's database reports no lag"
        return None


def pair_status_from(data: Mapping[str, Any]) -> PairStatus:
    """Read the JSON of `failover status --json`."""
    replication = _mapping(data.get("replication"))
    return PairStatus(
        nodes=tuple(
            NodeStatus(
                name, _text(node.get("role")), _whole(node.get("epoch")), node.get("reachable") is True
            )
            for name, node in _named(data.get("nodes"))
        ),
        mirrors=tuple(
            MirrorLine(
                name,
                _text(mirror.get("state")),
                _whole(mirror.get("waiting_paths")),
                _number(mirror.get("oldest_age_seconds")),
            )
            for name, mirror in _named(data.get("mirrors"))
        ),
        transactions_behind=_whole(replication.get("transactions_behind")),
        seconds_behind=_number(replication.get("seconds_behind")),
        dns=tuple(_authorities(_mapping(data.get("dns")).get("authorities"))),
        findings=tuple(
            FindingLine(str(found.get("code")), str(found.get("severity")), str(found.get("summary")))
            for found in _listed(data.get("findings"))
            if found.get("severity") != "ok"
        ),
    )


def _authorities(authorities: Any) -> Iterator[tuple[str, str]]:
    for authority in _listed(authorities):
        said = [
            ", ".join(map(str, answer.get("values") or ())) or str(answer.get("fault") or "no address")
            for answer in _listed(authority.get("answers"))
            if answer.get("type") in {"A", "AAAA"}
        ]
        # The names move together: when they agree, their address is said once.
        yield str(authority.get("name")).rstrip("."), " ".join(dict.fromkeys(said)) or "no answer"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _named(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((str(name), item) for name, item in _mapping(value).items() if isinstance(item, Mapping))


def _listed(value: Any) -> Iterator[Mapping[str, Any]]:
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, Mapping))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
