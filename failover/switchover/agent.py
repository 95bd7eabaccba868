"""`failover agent`: answers the orders of one operator's session on this node until the session ends."""

from __future__ import annotations

import os
import select

from failover.switchover.node import NodeOrders
from failover.switchover.wire import answer

_CHUNK_BYTES = 65536


def serve(orders: NodeOrders, *, stdin: int, stdout: int, idle_limit_seconds: float) -> None:
    """Answer call after call until the input ends, or nothing comes for `idle_limit_seconds`.

    The limit frees the node's lock when the operator's host has vanished without closing the connection.
    """
    buffer = bytearray()
    while True:
        ready, _, _ = select.select([stdin], [], [], idle_limit_seconds)
        data = os.read(stdin, _CHUNK_BYTES) if ready else b""
        if not data:
            return
        buffer += data
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            reply = memoryview(answer(orders, line))
            while reply:
                reply = reply[os.write(stdout, reply) :]
