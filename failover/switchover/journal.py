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
    """The end, with its outcome: nothing of the operation is left to do."""


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


def progress_of(entries: Iterable[Entry]) -> Progress:
    """Fold a journal into where the operation stands."""
    plan: dict[str, Any] | None = None
    results: dict[str, dict[str, Any]] = {}
    touched: list[str] = []
    outcome: str | None = None
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
            case _:
                pass
    return Progress(plan, results, tuple(touched), outcome)


class JournalFolder:
    """The journals on one node's disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def append(self, operation: str, line: dict[str, Any]) -> None:
        """Add a line; when this returns it is on the disk."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        append_line(self._path(operation), json.dumps(line).encode())

    def read(self, operation: str | None) -> tuple[dict[str, Any], ...]:
        """The lines of an operation, or of the newest one. A last line torn by a power cut is left out."""
        name = operation or self._newest()
        if name is None:
            return ()
        try:
            text = self._path(name).read_bytes()
        except FileNotFoundError:
            return ()
        lines = text.split(b"\n")
        # What follows the last line end was being written when the power went: it says nothing.
        return tuple(json.loads(line) for line in lines[:-1] if line)

    def _newest(self) -> str | None:
        names = sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"*{_SUFFIX}"))
        return names[-1] if names else None

    def _path(self, operation: str) -> Path:
        if "/" in operation or operation.startswith("."):
            raise ValueError(f"{operation!r} is not an operation")
        return self._folder / f"{operation}{_SUFFIX}"
