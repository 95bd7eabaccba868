"""The sync daemon's side of its control socket: each question in a thread of its own, so a drain blocks nobody."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from failover.errors import FailoverError

log = logging.getLogger(__name__)

_LINE_BYTES = 65536
_CLIENT_SECONDS = 10.0


class ControlServer:
    """Listens on a Unix socket that only its owner may open. `answer` is called in the connection's thread."""

    def __init__(self, path: Path, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._path = path
        self._answer = answer
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # the instance lock is held: whoever left it is gone
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        before = os.umask(0o177)
        try:
            self._socket.bind(str(path))
        finally:
            os.umask(before)
        self._socket.listen(16)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """Readable when somebody calls."""
        return self._socket.fileno()

    def accept(self) -> None:
        """Let the caller in."""
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionError):
            return
        threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(_CLIENT_SECONDS)
            try:
                line = connection.makefile("rb").readline(_LINE_BYTES)
                if not line:
                    return
                answer = self._answer_line(line)
                connection.sendall(json.dumps(answer).encode() + b"\n")
            except OSError as error:
                log.debug("control client went away: %s", error)

    def _answer_line(self, line: bytes) -> dict[str, Any]:
        try:
            question = json.loads(line)
        except ValueError:
            return {"error": "not a JSON line"}
        if not isinstance(question, dict):
            return {"error": "not a question"}
        try:
            return self._answer(question)
        except FailoverError as error:
            return {"error": error.message, "hint": error.hint}
