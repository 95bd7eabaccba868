"""Checkpoints: "everything changed before source time T is on the standby, durably". Kept on the standby."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from failover.system.file_system import sync_file_system
from failover.system.files import replace_file


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint. `source_time` is the primary's clock, `received_at` the standby's; both aware, UTC."""

    mirror: str
    epoch: int
    source_time: datetime
    received_at: datetime | None = None
    """None on the primary, which does not know it."""


def mirror_directory(state_directory: Path, mirror: str) -> Path:
    """Where a node keeps what it knows about a mirror."""
    return state_directory / "mirrors" / mirror


def keep_checkpoint(state_directory: Path, root: Path, checkpoint: Checkpoint) -> None:
    """Make the mirror's content durable, then the record: the record is never ahead of the data.

    Raises:
        OSError: the disk did not take it; then the checkpoint does not exist.
    """
    sync_file_system(root)
    received_at = checkpoint.received_at
    record = {
        "epoch": checkpoint.epoch,
        "source_time": checkpoint.source_time.isoformat(),
        "received_at": received_at.isoformat() if received_at else None,
    }
    directory = mirror_directory(state_directory, checkpoint.mirror)
    directory.mkdir(parents=True, exist_ok=True)
    replace_file(directory / "checkpoint", json.dumps(record).encode() + b"\n")


def read_checkpoint(state_directory: Path, mirror: str) -> Checkpoint | None:
    """The last checkpoint this node has as a standby; None if there is none or it cannot be read."""
    try:
        record = json.loads((mirror_directory(state_directory, mirror) / "checkpoint").read_bytes())
        received_at = record["received_at"]
        return Checkpoint(
            mirror=mirror,
            epoch=int(record["epoch"]),
            source_time=datetime.fromisoformat(record["source_time"]),
            received_at=datetime.fromisoformat(received_at) if received_at else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
