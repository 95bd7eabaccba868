"""The journal of an operation: intent before the act, outcome after, on both nodes. A killed command leaves it.

One file an operation, one JSON line an entry, synced line by line: `<state>/journal/<operation>.jsonl`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from failover.system.files import append_line

_SUFFIX = ".jsonl"


class Kind(StrEnum):
    """What a journal line says."""

    BEGUN = "begun"
    """The plan, who wants it, from where."""
    STARTED = "started"
    """A step is about to act."""
    DONE = "done"
    """A step has acted; `result` is what later steps need of it."""
    FAILED = "failed"
    UNDOING = "undoing"
    """The undo of a step is about to act."""
    UNDONE = "undone"
    FINISHED = "finished"
    """The end of a run, with its outcome."""
    LOSS_COMPLETED = "loss-completed"
    """The loss report, after the returned node was read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `at` is ISO, UTC; `step` is None for lines about the whole operation."""

    kind: Kind
    at: str
    step: str | None
    data: dict[str, Any]

    def to_line(self) -> dict[str, Any]:
        """As JSON."""
        return {"kind": self.kind.value, "at": self.at, "step": self.step, "data": self.data}


def entry_from(line: dict[str, Any]) -> Entry:
    """Back from JSON."""
    return Entry(Kind(line["kind"]), line["at"], line["step"], line["data"])


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an operation stands, by its journal. Pure: a fold over the entries."""

    plan: dict[str, Any] | None
    results: dict[str, dict[str, Any]]
    """Step name to its result, for every step done and not undone."""
    touched: tuple[str, ...]
    """Steps that may have acted (started), in order, without those undone."""
    outcome: str | None
    """How it finished, or None: it is still running, or was killed."""
    completed_loss: dict[str, Any] | None = None


def progress_of(entries: Iterable[Entry]) -> Progress:
    """Fold a journal into where the operation stands."""
    plan: dict[str, Any] | None = None
    results: dict[str, dict[str, Any]] = {}
    touched: list[str] = []
    outcome: str | None = None
    completed_loss: dict[str, Any] | None = None
    for entry in entries:
        match entry.kind, entry.step:
            case Kind.BEGUN, _:
                plan = entry.data["plan"]
            case Kind.STARTED, str(step):
                if step not in touched:
                    touched.append(step)
            case Kind.DONE, str(step):
                results[step] = entry.data.get("result", {})
            case Kind.UNDONE, str(step):
                results.pop(step, None)
                if step in touched:
                    touched.remove(step)
            case Kind.FINISHED, _:
                outcome = entry.data["outcome"]
            case Kind.LOSS_COMPLETED, _:
                completed_loss = entry.data["report"]
            case _:
                pass
    return Progress(plan, results, tuple(touched), outcome, completed_loss)


class JournalFolder:
    """The journals on one node's disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def append(self, operation: str, line: dict[str, Any]) -> None:
        """Add a line; when this returns it is on the disk."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        append_line(self._path(operation), json.dumps(line).encode())

    def read_newest(self, kind: str | None = None) -> tuple[dict[str, Any], ...]:
        """The lines of the newest operation (of that kind); empty if there is none.

        A last line torn by a power cut is left out. Names sort by time and hold the kind: `TIME-KIND-CHECKSUM`.
        """
        pattern = f"*{_SUFFIX}" if kind is None else f"*-{kind}-*{_SUFFIX}"
        newest = max(self._folder.glob(pattern), default=None)
        if newest is None:
            return ()
        text = newest.read_bytes()
        lines = text.split(b"\n")
        # What follows the last line end was being written when the power went: it says nothing.
        return tuple(json.loads(line) for line in lines[:-1] if line)

    def _path(self, operation: str) -> Path:
        if "/" in operation or operation.startswith("."):
            raise ValueError(f"{operation!r} is not an operation")
        return self._folder / f"{operation}{_SUFFIX}"
