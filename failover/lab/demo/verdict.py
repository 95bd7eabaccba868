"""What the acts showed, and whether it held. Pure; the JSON of `failover demo --json` is made here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from failover.lab.demo.ledger import AdmittedLoss, Judgement, Kind
from failover.lab.demo.timeline import DATABASE_WRITABLE, DNS_AGREED, CommandRun, Moment


@dataclass(frozen=True, slots=True)
class Check:
    """Something that had to be true, and what was seen."""

    what: str
    is_true: bool
    seen: str


@dataclass(frozen=True, slots=True)
class PlannedAct:
    """The planned switchover: the command, the visitors' ledger after it, the longest gap between their writes."""

    run: CommandRun
    judgement: Judgement
    visitors_gap_seconds: float | None
    moments: tuple[Moment, ...]

    @property
    def write_block_seconds(self) -> float | None:
        """How long nobody could write: by the switchover's own account, or, if it gives none, as visitors saw it."""
        reported = self.run.write_block_seconds
        return self.visitors_gap_seconds if reported is None else reported

    @property
    def lost_writes(self) -> int:
        """Acknowledged comments and uploads that the new primary does not have."""
        return len(self.judgement.lost)

    def checks(self) -> Iterator[Check]:
        """What had to be true."""
        yield _did_it(self.run)
        yield _known("somebody wrote before and after", self.visitors_gap_seconds)
        yield _known("the write block was measured", self.write_block_seconds)
        yield Check(
            "no acknowledged write is lost",
            self.lost_writes == 0 and self.judgement.acknowledged > 0,
            f"{self.lost_writes} of {self.judgement.acknowledged} lost",
        )

    def to_json(self) -> dict[str, Any]:
        """Its part of the result; times in seconds, null where nobody knows."""
        return {
            "write_block_seconds": _rounded(self.write_block_seconds),
            "visitors_gap_seconds": _rounded(self.visitors_gap_seconds),
            "acknowledged_writes": self.judgement.acknowledged,
            "lost_writes": self.lost_writes,
        }


@dataclass(frozen=True, slots=True)
class DeadAct:
    """The death of the primary: the command, the first visit after it, the returned host, the final ledger."""

    run: CommandRun
    first_visit_seconds: float | None
    fencing: tuple[Check, ...]
    admitted: AdmittedLoss
    judgement: Judgement
    moments: tuple[Moment, ...]

    def checks(self) -> Iterator[Check]:
        """What had to be true."""
        yield _did_it(self.run)
        yield _known("the database became writable", self.run.seconds_to(DATABASE_WRITABLE))
        yield _known("every authority agreed", self.run.seconds_to(DNS_AGREED))
        yield _known("visitors were served again", self.first_visit_seconds)
        yield from self.fencing
        yield Check(
            "the loss report is complete",
            self.admitted.is_complete,
            f"{len(self.admitted.transactions)} transactions, {len(self.admitted.files)} files",
        )
        yield Check(
            "every acknowledged write is there or listed as lost",
            self.judgement.is_all_accounted_for,
            f"{self.judgement.acknowledged} acknowledged, {len(self.judgement.lost)} lost,"
            f" {len(self.judgement.unreported)} of them not listed",
        )

    def to_json(self) -> dict[str, Any]:
        """Its part of the result. `acknowledged_writes` are all of the demo's, comments and uploads; `lost_writes`
        are comments (transactions of the database), `lost_files` are uploads.
        """
        judgement = self.judgement
        return {
            "database_writable_seconds": _rounded(self.run.seconds_to(DATABASE_WRITABLE)),
            "dns_agreed_seconds": _rounded(self.run.seconds_to(DNS_AGREED)),
            "first_visit_seconds": _rounded(self.first_visit_seconds),
            "acknowledged_writes": judgement.acknowledged,
            "lost_writes": judgement.count_lost(Kind.COMMENT),
            "lost_writes_reported": judgement.count_reported(Kind.COMMENT),
            "lost_files": judgement.count_lost(Kind.UPLOAD),
            "lost_files_reported": judgement.count_reported(Kind.UPLOAD),
            "false_alarms": len(judgement.false_alarms),
        }


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The whole. An act that was not reached is None; `error` says what stopped the story."""

    planned: PlannedAct | None
    dead: DeadAct | None
    seconds: float
    error: str | None = None

    def checks(self) -> list[Check]:
        """Everything that had to be true, act by act."""
        return [
            *([] if self.planned is None else self.planned.checks()),
            *([] if self.dead is None else self.dead.checks()),
        ]

    @property
    def is_held(self) -> bool:
        """Whether the story came to its end and everything in it held."""
        is_whole = self.error is None and self.planned is not None and self.dead is not None
        return is_whole and all(check.is_true for check in self.checks())

    def to_json(self) -> dict[str, Any]:
        """The one object of `--json`. Keys are listed in docs/ and stay; an act not reached has null values."""
        planned = dict.fromkeys(_PLANNED_KEYS) if self.planned is None else self.planned.to_json()
        dead = dict.fromkeys(_DEAD_KEYS) if self.dead is None else self.dead.to_json()
        return {
            "held": self.is_held,
            "seconds": _rounded(self.seconds),
            "planned": planned,
            "dead": dead,
            "broken": [f"{check.what}: {check.seen}" for check in self.checks() if not check.is_true],
            "error": self.error,
        }


_PLANNED_KEYS = ("write_block_seconds", "visitors_gap_seconds", "acknowledged_writes", "lost_writes")
_DEAD_KEYS = (
    "database_writable_seconds",
    "dns_agreed_seconds",
    "first_visit_seconds",
    "acknowledged_writes",
    "lost_writes",
    "lost_writes_reported",
    "lost_files",
    "lost_files_reported",
    "false_alarms",
)


def _known(what: str, seconds: float | None) -> Check:
    return Check(what, seconds is not None, "never" if seconds is None else f"{seconds:.2f} s")


def _did_it(run: CommandRun) -> Check:
    seen = f"{run.outcome or 'no outcome'}, exit status {run.status}"
    if not run.is_done and run.said:
        seen += f": {run.said.splitlines()[0]}"
    return Check(" ".join(run.argv), run.is_done, seen)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
