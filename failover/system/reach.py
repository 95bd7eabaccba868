"""Whether anything listens at an address: the smallest sign of life there is."""

from __future__ import annotations

import socket


def takes_connections(host: str, port: int, *, timeout_seconds: float) -> bool:
    """Whether a TCP connection can be made within the limit. True proves a living kernel, not a working server."""
    try:
        with socket.create_connection((host, port), timeout_seconds):
            return True
    except OSError:
        return False
