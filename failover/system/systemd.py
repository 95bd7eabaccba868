"""Telling systemd how a daemon is (sd_notify(3)): one datagram a message."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends to $NOTIFY_SOCKET; says nothing where there is none (started by hand, in the lab)."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._socket = (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if path else None
        )
        microseconds = environment.get("WATCHDOG_USEC", "")
        self.watchdog_seconds = int(microseconds) / 1e6 if microseconds.isdigit() else None
        """How often systemd wants a sign of life, or None if it does not; send one at half of it."""

    def ready(self, status: str) -> None:
        """The daemon is up."""
        self._send(f"READY=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        """A sign of life, from the main loop only: a hung loop must not look alive."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """The daemon is going down on purpose."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            # systemd has gone or is restarting; its watchdog, not we, decides what that means.
            return
