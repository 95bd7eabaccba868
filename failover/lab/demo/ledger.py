"""What the visitors were told, what the primary holds, what the loss report admits: and the verdict. Pure.

A visitor writes down every answer it gets. A write that was acknowledged must be on the primary, or the operator must
be able to read in the loss report that it is gone: `judge` compares the three.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any


class Kind(StrEnum):
    """What a visitor did."""

    PAGE = "page"
    COMMENT = "comment"
    UPLOAD = "upload"

    @property
    def is_write(self) -> bool:
        """Whether it leaves something behind that can be lost."""
        return self is not Kind.PAGE


class Outcome(StrEnum):
    """What the visitor knows about it."""

    ACKNOWLEDGED = "acknowledged"
    """The site said that it is done: a page was served, a write is kept."""
    REFUSED = "refused"
    """It was not done: no address, no connection, or the site said no."""
    UNKNOWN = "unknown"
    """The connection broke after the request had been sent: it may be there or not, nobody was told."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a visitor's ledger. `began_at` and `at` (the answer) are Unix seconds."""

    visitor: str
    kind: Kind
    token: str
    """Unique over all visitors: the comment's token, the upload's file name, the visit's number."""
    outcome: Outcome
    began_at: float
    at: float
    served_by: str | None = None
    address: str | None = None
    reason: str | None = None

    @property
    def is_acknowledged_write(self) -> bool:
        """Whether the site owes it to the visitor."""
        return self.kind.is_write and self.outcome is Outcome.ACKNOWLEDGED

    def to_line(self) -> str:
        """As one line of JSON, without the line's end."""
        return json.dumps(asdict(self), separators=(",", ":"))


def entry_from(line: str) -> Entry:
    """Back from a line.

    Raises:
        ValueError: it is not an entry.
    """
    try:
        data = json.loads(line)
        return Entry(**(data | {"kind": Kind(data["kind"]), "outcome": Outcome(data["outcome"])}))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a ledger entry: {line!r}") from error


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a node really has: the tokens in its database, the file names among its uploads."""

    comments: frozenset[str]
    uploads: frozenset[str]

    def has(self, entry: Entry) -> bool:
        """Whether an acknowledged write is there."""
        return entry.token in (self.comments if entry.kind is Kind.COMMENT else self.uploads)


@dataclass(frozen=True, slots=True)
class AdmittedLoss:
    """What the loss report lists: the text of each lost transaction, the paths of the lost files."""

    transactions: tuple[str, ...] = ()
    files: frozenset[str] = frozenset()
    is_complete: bool = False
    """Whether the returned node was asked: before that, nobody can know all of it."""

    def lists(self, entry: Entry) -> bool:
        """Whether a lost write can be found in the report: the very file, or a transaction that names the token.

        A listed directory does not count for a file below it: "something in here" tells a visitor nothing.
        """
        if entry.kind is Kind.COMMENT:
            return any(entry.token in text for text in self.transactions)
        return any(PurePosixPath(path).name == entry.token for path in self.files)


NOTHING_ADMITTED = AdmittedLoss()


def admitted_loss_from(report: Mapping[str, Any]) -> AdmittedLoss:
    """The loss report, from the JSON of `failover loss --json`. What it does not say it does not admit."""
    transactions = tuple(
        "\n".join(str(statement) for statement in transaction.get("statements") or ())
        for transaction in report.get("transactions") or ()
    )
    files = (entry["path"] if isinstance(entry, Mapping) else entry for entry in report.get("files") or ())
    return AdmittedLoss(transactions, frozenset(map(str, files)), report.get("is_complete") is True)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The ledger against the truth. `lost` are acknowledged and not there; `unreported` are lost and not admitted."""

    acknowledged: int
    lost: tuple[Entry, ...]
    unreported: tuple[Entry, ...]
    false_alarms: tuple[Entry, ...]
    """Acknowledged, there, and listed as lost all the same: no harm to a visitor, a fault of the report."""

    def count_lost(self, kind: Kind) -> int:
        """How many acknowledged writes of a kind are gone."""
        return _count(self.lost, kind)

    def count_reported(self, kind: Kind) -> int:
        """How many of those the report admits."""
        return _count(self.lost, kind) - _count(self.unreported, kind)

    @property
    def is_all_accounted_for(self) -> bool:
        """Whether every acknowledged write is either there or listed as lost, and there were any."""
        return self.acknowledged > 0 and not self.unreported


def judge(entries: Iterable[Entry], held: Holdings, admitted: AdmittedLoss = NOTHING_ADMITTED) -> Judgement:
    """Compare every acknowledged write with what the primary holds and what the report admits."""
    owed = [entry for entry in entries if entry.is_acknowledged_write]
    lost = tuple(entry for entry in owed if not held.has(entry))
    gone = frozenset(entry.token for entry in lost)
    return Judgement(
        acknowledged=len(owed),
        lost=lost,
        unreported=tuple(entry for entry in lost if not admitted.lists(entry)),
        false_alarms=tuple(entry for entry in owed if entry.token not in gone and admitted.lists(entry)),
    )


def _count(entries: Iterable[Entry], kind: Kind) -> int:
    return sum(entry.kind is kind for entry in entries)


def longest_gap_seconds(entries: Iterable[Entry], *, begin: float, end: float) -> float | None:
    """The longest time between two consecutive acknowledged writes of all visitors together, in seconds.

    Gaps that touch the span from `begin` to `end` (Unix seconds) count with their whole length. None if writes were
    not acknowledged both before and after: then nobody saw how long the block was.
    """
    times = sorted(entry.at for entry in entries if entry.is_acknowledged_write)
    if not times or times[0] > begin or times[-1] < end:
        return None
    return max(
        (after - before for before, after in pairwise(times) if after > begin and before < end), default=None
    )


def first_served_at(entries: Iterable[Entry], *, node: str, since: float) -> float | None:
    """When the first page answered after `since` was served by a node (Unix seconds), or None: never yet."""
    times = (
        entry.at
        for entry in entries
        if entry.kind is Kind.PAGE
        and entry.outcome is Outcome.ACKNOWLEDGED
        and entry.served_by == node
        and entry.at >= since
    )
    return min(times, default=None)


def rates_by_node(entries: Iterable[Entry], *, now: float, window_seconds: float) -> dict[str, float]:
    """Answers a second by the node that gave them, over the last `window_seconds`; failures count under ""."""
    recent = Counter(
        (entry.served_by or "") if entry.outcome is Outcome.ACKNOWLEDGED else ""
        for entry in entries
        if now - window_seconds < entry.at <= now
    )
    return {node: count / window_seconds for node, count in sorted(recent.items())}
