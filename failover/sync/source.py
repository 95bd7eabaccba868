"""The mirror's root on disk: the facts that the brakes judge, and the baseline they are judged against."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from pathlib import Path

from failover.sync.rules import Excludes
from failover.sync.safety import Baseline, RootFacts, accept, why_halt
from failover.system.file_system import boot_id
from failover.system.files import replace_file


class Source:
    """Looks at one mirror's root before anything is sent from it.

    A halt is kept on disk: a source that comes back half restored must not be mirrored because a daemon started again.
    """

    def __init__(self, root: Path, excludes: Excludes, record: Path) -> None:
        self._root = root
        self._excludes = excludes
        self._record = record
        self._halted = record.with_name("halted")
        self._boot = boot_id()
        self._baseline = _read_baseline(record)

    def why_halt(self) -> str | None:
        """Why nothing may be sent now; None if it may. A good look is kept as the new baseline."""
        if self._halted.exists():
            return self._halted.read_text(encoding="utf-8").strip()
        facts = self.look()
        reason = why_halt(facts, self._baseline, boot=self._boot)
        if reason is None:
            self._keep(accept(facts, self._baseline, boot=self._boot))
        else:
            self._record.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._halted, reason.encode() + b"\n")
        return reason

    def resume(self) -> None:
        """Take whatever is there now as the source from here on: an operator said so."""
        self._baseline = None
        self._record.unlink(missing_ok=True)
        self._halted.unlink(missing_ok=True)

    def look(self) -> RootFacts:
        """The facts as they are now."""
        try:
            status = self._root.stat()
        except OSError:
            return RootFacts(exists=False)
        if not stat.S_ISDIR(status.st_mode):
            return RootFacts(exists=True)
        return RootFacts(
            exists=True,
            is_directory=True,
            device=status.st_dev,
            inode=status.st_ino,
            has_entries=self._has_entries(),
        )

    def _has_entries(self) -> bool | None:
        try:
            with os.scandir(os.fsencode(self._root)) as entries:
                return any(
                    not self._excludes.excludes(entry.name, is_directory=entry.is_dir(follow_symlinks=False))
                    for entry in entries
                )
        except OSError:
            return None

    def _keep(self, baseline: Baseline) -> None:
        if baseline != self._baseline:
            self._record.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._record, json.dumps(dataclasses.asdict(baseline)).encode() + b"\n")
            self._baseline = baseline


def _read_baseline(record: Path) -> Baseline | None:
    """The baseline on disk; None if there is none or it makes no sense: then this is the first look."""
    try:
        fields = json.loads(record.read_bytes())
        return Baseline(
            device=int(fields["device"]),
            inode=int(fields["inode"]),
            boot=str(fields["boot"]),
            had_entries=bool(fields["had_entries"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
