"""The loss report: what a dead primary had acknowledged and the new primary does not have.

At the takeover it holds what is known without the dead node: the paths it had announced and not delivered, the
position its database had reached here, and the moment up to which everything is here. When the node is back, its
own binary logs and files complete it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from failover.config.settings import Settings
from failover.switchover.node import FileRecord, LostTransaction, NodeOrders

# Files are compared from a little before the last checkpoint: file times have the grain of the kernel's tick.
_READ_LIMIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class MirrorLoss:
    """One mirror's part. Paths are relative to its root; `checkpoint` is ISO, UTC, by the dead node's clock."""

    mirror: str
    checkpoint: str | None
    """Everything changed before this moment is here. None: no checkpoint was ever made, so nothing is sure."""
    announced: tuple[str, ...]
    """Announced by the dead node, never delivered."""
    lost: tuple[str, ...] = ()
    """Found on the dead node's disk later, and missing here or older here."""
    not_deleted: tuple[str, ...] = ()
    """Announced, gone on the dead node, still here: a deletion that did not arrive."""


@dataclass(frozen=True, slots=True)
class LossReport:
    """What is missing after a takeover. `is_complete` once the dead node's own logs and files were read."""

    old: str
    new: str
    position: str
    """The last transaction of the old primary that the new one has."""
    taken_over_at: str
    mirrors: tuple[MirrorLoss, ...]
    transactions: tuple[LostTransaction, ...] = ()
    is_truncated: bool = False
    """Whether the old primary had more transactions than are listed."""
    is_complete: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """Every path known or feared lost, with its mirror's name in front: `www:site/uploads/a.png`, sorted.

        Before completion these are the announced paths; after it, those really missing.
        """
        names = (
            f"{mirror.mirror}:{path}"
            for mirror in self.mirrors
            for path in (mirror.lost if self.is_complete else mirror.announced)
        )
        return tuple(sorted(names))

    def to_json(self) -> dict[str, Any]:
        """As JSON, for the journal and `--json`."""
        data: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return data | {"files": list(self.files)}


_ADAPTER = TypeAdapter(LossReport)


def loss_report_from(data: Mapping[str, Any]) -> LossReport:
    """Back from the journal."""
    return _ADAPTER.validate_python(
        {name: value for name, value in data.items() if name != "files"}, strict=False
    )


def record_loss(new: NodeOrders, settings: Settings, *, old: str, position: str, at: str) -> LossReport:
    """What is known at the takeover, asked of the new primary alone."""
    mirrors = []
    for name in settings.mirrors:
        checkpoint = new.last_checkpoint(mirror=name)
        since = None if checkpoint is None else checkpoint.source_time.isoformat()
        mirrors.append(MirrorLoss(name, since, new.announced(mirror=name)))
    return LossReport(old, settings.peer_of(old), position, at, tuple(mirrors))


def complete_loss(old: NodeOrders, new: NodeOrders, report: LossReport) -> LossReport:
    """The report with what the returned node's binary logs and files say. Changes nothing on either node."""
    found = old.transactions_after(position=report.position, timeout_seconds=_READ_LIMIT_SECONDS)
    return replace(
        report,
        mirrors=tuple(_complete_mirror(old, new, mirror) for mirror in report.mirrors),
        transactions=found.transactions,
        is_truncated=found.is_truncated,
        is_complete=True,
    )


def _complete_mirror(old: NodeOrders, new: NodeOrders, mirror: MirrorLoss) -> MirrorLoss:
    changed = old.changed_files(
        mirror=mirror.mirror, since=mirror.checkpoint, timeout_seconds=_READ_LIMIT_SECONDS
    )
    announced = tuple(path for path in mirror.announced if not path.endswith("/"))
    named = old.stat_files(mirror=mirror.mirror, paths=announced, timeout_seconds=_READ_LIMIT_SECONDS)
    there = {record.path: record for record in (*changed, *named)}
    paths = tuple(sorted({*there, *announced}))
    here = new.stat_files(mirror=mirror.mirror, paths=paths, timeout_seconds=_READ_LIMIT_SECONDS)
    lost, not_deleted = compare_files(there.values(), here, announced)
    return MirrorLoss(mirror.mirror, mirror.checkpoint, mirror.announced, lost, not_deleted)


def compare_files(
    there: Iterable[FileRecord], here: Iterable[FileRecord], announced: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paths lost (missing here, or another version here), and announced deletions that did not arrive. Pure.

    A file that differs counts as lost even if it is newer here: the old version's content is not here any more.
    """
    there_by_path = {record.path: record for record in there}
    here_by_path = {record.path: record for record in here}
    lost = sorted(path for path, record in there_by_path.items() if here_by_path.get(path) != record)
    not_deleted = sorted(path for path in announced if path not in there_by_path and path in here_by_path)
    return tuple(lost), tuple(not_deleted)
