"""Asks `failover status --json` about once a second, in the background, and puts it on the board."""

from __future__ import annotations

import threading
from typing import Self

from failover.errors import FailoverError
from failover.lab.demo.board import Board
from failover.lab.demo.orders import Operator
from failover.lab.demo.pair_status import pair_status_from

_EVERY_SECONDS = 1.0
_LIMIT_SECONDS = 8.0
_GRACE_SECONDS = 1.0


class StatusWatch:
    """From `enter` to `exit`. One question at a time, each bounded; a question that fails leaves the board as it is."""

    def __init__(self, operator: Operator, board: Board) -> None:
        self._operator = operator
        self._board = board
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.trouble: str | None = None
        """Why the last question failed, or None if it did not."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        # A question still under way ends with its own limit, or with the lab; Ctrl-C does not wait for it.
        self._thread.join(_GRACE_SECONDS)

    def _watch(self) -> None:
        while not self._is_over.is_set():
            try:
                said = self._operator.ask(("failover", "status", "--json"), timeout_seconds=_LIMIT_SECONDS)
                self._board.see(pair_status_from(said))
                self.trouble = None
            except FailoverError as error:
                # The view says how old its picture is; whoever waits for a healthy pair shows the trouble.
                self.trouble = error.message
            self._is_over.wait(_EVERY_SECONDS)
