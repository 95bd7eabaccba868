"""What `failover status --json` says, as the demo needs it. What is not said, or not understood, is unknown; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node. None: not known."""

    name: str
    role: str | None
    epoch: int | None
    is_reachable: bool


@dataclass(frozen=True, slots=True)
class FindingStatus:
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
    mirror_state: str | None
    mirror_waiting_paths: int | None
    mirror_age_seconds: float | None
    transactions_behind: int | None
    seconds_behind: float | None
    dns: tuple[tuple[str, str], ...]
    """Each authority and what it answers."""
    findings: tuple[FindingStatus, ...]

    def why_not_ready(self, *, primary: str, standby: str) -> str | None:
        """Why the pair could not lose `primary` now without losing much, or None: the standby is healthy."""
        roles = {node.name: node.role for node in self.nodes if node.is_reachable}
        if roles.get(primary) != "primary" or roles.get(standby) != "standby":
            return (
                f"roles: {', '.join(f'{name} {role}' for name, role in sorted(roles.items())) or 'unknown'}"
            )
        for finding in self.findings:
            if finding.blocks:
                return finding.summary
        if self.mirror_state != "in-sync" and self.mirror_waiting_paths != 0:
            return f"the mirror is {self.mirror_state or 'unknown'}"
        if self.transactions_behind is None and self.seconds_behind is None:
            return "the standby's database reports no lag"
        return None


def pair_status_from(data: Mapping[str, Any]) -> PairStatus:
    """Read the JSON of `failover status --json`."""
    mirror, database = _section(data, "mirror"), _section(data, "database")
    return PairStatus(
        nodes=tuple(
            NodeStatus(
                name, _text(node.get("role")), _whole(node.get("epoch")), node.get("reachable") is True
            )
            for name, node in _named(data.get("nodes"))
        ),
        mirror_state=_text(mirror.get("state")),
        mirror_waiting_paths=_whole(mirror.get("waiting_paths")),
        mirror_age_seconds=_number(mirror.get("oldest_age_seconds")),
        transactions_behind=_whole(database.get("transactions_behind")),
        seconds_behind=_number(database.get("seconds_behind")),
        dns=tuple(_answers(data.get("dns"))),
        findings=tuple(
            FindingStatus(str(finding.get("code")), str(finding.get("severity")), str(finding.get("summary")))
            for finding in data.get("findings") or ()
            if finding.get("severity") != "ok"
        ),
    )


def _section(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = data.get(key)
    return section if isinstance(section, Mapping) else {}


def _named(nodes: Any) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Nodes by name, whether they come as an object or as a list of objects with a name."""
    if isinstance(nodes, Mapping):
        yield from ((str(name), node) for name, node in nodes.items() if isinstance(node, Mapping))
    elif isinstance(nodes, list):
        yield from ((str(node.get("name") or node.get("node")), node) for node in nodes)


def _answers(dns: Any) -> Iterable[tuple[str, str]]:
    answers = dns.get("answers", dns) if isinstance(dns, Mapping) else dns
    if isinstance(answers, Mapping):
        yield from ((str(authority), _plain(answer)) for authority, answer in answers.items())
    elif isinstance(answers, list):
        for answer in answers:
            yield str(answer.get("authority") or answer.get("server")), _plain(answer.get("values"))


def _plain(answer: Any) -> str:
    if isinstance(answer, Mapping):
        return ", ".join(_plain(value) for value in answer.values())
    if isinstance(answer, list):
        return ", ".join(_plain(value) for value in answer)
    return "no answer" if answer is None else str(answer)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
