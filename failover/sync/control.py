"""Asking the running sync daemon: one JSON line to its socket, one JSON line back."""

from __future__ import annotations

import json
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

from failover.errors import DeadlineError, ExitStatus, MirrorError
from failover.sync.checkpoint import Checkpoint
from failover.sync.status import MirrorStatus, status_from_json

SOCKET_NAME = "sync.sock"
_ANSWER_SECONDS = 2.0
_DRAIN_MARGIN_SECONDS = 5.0


class SyncControl:
    """The daemon behind `<runtime>/sync.sock`. Every method raises MirrorError if it does not run or says no."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def status(self) -> tuple[MirrorStatus, ...]:
        """Its mirrors, sorted by name."""
        answer = self._ask({"ask": "status"}, _ANSWER_SECONDS)
        try:
            return tuple(status_from_json(value) for value in answer["mirrors"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._nonsense() from error

    def drain(self, timeout_seconds: float) -> tuple[Checkpoint, ...]:
        """Wait until every mirror has everything on the standby, durably; one checkpoint a mirror."""
        order = {"ask": "drain", "timeout_seconds": timeout_seconds}
        answer = self._ask(order, timeout_seconds + _DRAIN_MARGIN_SECONDS)
        try:
            return tuple(
                Checkpoint(
                    str(value["mirror"]), int(value["epoch"]), datetime.fromisoformat(value["source_time"])
                )
                for value in answer["checkpoints"]
            )
        except (ValueError, KeyError, TypeError) as error:
            raise self._nonsense() from error

    def refresh(self) -> None:
        """Make it read the node's role and epoch again; takes a stop of pushing back."""
        self._ask({"ask": "refresh"}, _ANSWER_SECONDS * 3)

    def stop_pushing(self) -> None:
        """Push nothing more; returns when nothing is under way."""
        self._ask({"ask": "stop-pushing"}, _ANSWER_SECONDS * 3)

    def resume(self, mirror: str | None = None) -> None:
        """Let a halted mirror, or all of them, go on with what is at the source now."""
        self._ask({"ask": "resume", "mirror": mirror}, _ANSWER_SECONDS)

    def _ask(self, question: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout_seconds)
                connection.connect(str(self._path))
                connection.sendall(json.dumps(question).encode() + b"\n")
                with connection.makefile("rb") as answers:
                    line = answers.readline()
        except (FileNotFoundError, ConnectionError):
            raise MirrorError(
                "the sync daemon does not run on this node", hint="systemctl status failover-sync"
            ) from None
        except TimeoutError:
            raise DeadlineError(
                f"the sync daemon does not answer within {timeout_seconds:g} s",
                hint="systemctl status failover-sync",
            ) from None
        except OSError as error:
            raise MirrorError(f"cannot ask the sync daemon at {self._path}: {error.strerror}") from None
        try:
            answer = json.loads(line)
        except ValueError:
            raise self._nonsense() from None
        if not isinstance(answer, dict):
            raise self._nonsense()
        if "error" in answer:
            raise MirrorError(
                str(answer["error"]), hint=answer.get("hint"), exit_status=ExitStatus.MIRROR_FAILED
            )
        return answer

    def _nonsense(self) -> MirrorError:
        return MirrorError(
            "the sync daemon gave an answer that makes no sense",
            hint="after an upgrade: systemctl restart failover-sync",
        )
