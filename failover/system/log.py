"""Logging: stderr, one line an event; under systemd with the priority prefix that journald reads (sd-daemon(3))."""

from __future__ import annotations

import logging
import os
import sys

_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))


class _JournalFormatter(logging.Formatter):
    """`<N>logger: text`: journald takes the priority off and stores the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        return f"<{priority}>{record.name}: {super().format(record)}".replace("\n", "\n  ")


def set_up_logging(*, is_verbose: bool = False) -> None:
    """Send this process's log to stderr. Call it once, in a command or a daemon, never in a library."""
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if is_verbose else logging.INFO)
