"""Brakes: when a mirror must stop rather than delete. Judged from facts about the source's root; pure.

A web root that is empty, unmounted or another file system than yesterday is a broken source, never an order to delete
everything on the standby.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RootFacts:
    """What is at the mirror's path now. The numbers are None unless it is a directory."""

    exists: bool
    is_directory: bool = False
    device: int | None = None
    inode: int | None = None
    has_entries: bool | None = None
    """Whether it has any entry that is mirrored; None if it could not be read."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was accepted as this mirror's source before. Kept on disk, so that a restart does not forget it."""

    device: int
    inode: int
    boot: str
    """Device numbers mean something within one boot of the machine only."""
    had_entries: bool


def why_halt(facts: RootFacts, baseline: Baseline | None, *, boot: str) -> str | None:
    """Why nothing may be sent from this root, as a sentence; None if it is fine."""
    if not facts.exists:
        return "the source directory is missing"
    if not facts.is_directory:
        return "the source is not a directory"
    if facts.has_entries is None:
        return "the source directory cannot be read"
    if baseline is None:
        return None
    if facts.inode != baseline.inode:
        return "the source is another directory than before: unmounted, or replaced"
    if facts.device != baseline.device and boot == baseline.boot:
        return "the source is on another device than before: unmounted, or mounted over"
    if baseline.had_entries and not facts.has_entries:
        return "the source has been emptied"
    return None


def accept(facts: RootFacts, baseline: Baseline | None, *, boot: str) -> Baseline:
    """The baseline after a look that found nothing wrong."""
    assert facts.device is not None
    assert facts.inode is not None
    had_entries = bool(facts.has_entries) or (baseline is not None and baseline.had_entries)
    return Baseline(device=facts.device, inode=facts.inode, boot=boot, had_entries=had_entries)
