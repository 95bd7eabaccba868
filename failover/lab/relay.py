"""Delay on a cable, without netem: a process between two tap devices that passes each frame on when its time has come.

Started and ended by the keeper; told over a socket how long to keep frames, or to let none pass.
"""

from __future__ import annotations

import collections
import fcntl
import json
import os
import select
import signal
import socket
import struct
import time
from typing import NoReturn

from failover.errors import LabError
from failover.lab import kernel
from failover.lab.first_process import close_all_but

_SET_INTERFACE = 0x400454CA
_TAP_WITHOUT_HEADER = 0x0002 | 0x1000
_FRAME_BYTES = 65600
_AT_ONCE = 256
_MOST_FRAMES = 20_000
"""Frames kept at most, as a real queue: some 30 MB. More are dropped."""


def fork_relay(ends: tuple[str, str]) -> tuple[int, socket.socket]:
    """Start a relay between two new tap devices in this network namespace; its process number and its socket.

    Raises:
        LabError: tap devices cannot be made here.
    """
    try:
        taps = tuple(_open_tap(name) for name in ends)
    except OSError as error:
        raise LabError(
            f"no tap device for a delay: /dev/net/tun: {error.strerror}",
            hint="run the lab as root, on a kernel with tun; every other fault works without",
        ) from None
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            kernel.die_with_parent(signal.SIGKILL)
            close_all_but({*taps, theirs.fileno()})
            _relay(taps[0], taps[1], theirs)
        finally:
            os._exit(0)
    theirs.close()
    for tap in taps:
        os.close(tap)
    return pid, ours


def _open_tap(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _SET_INTERFACE, struct.pack("16sH22x", name.encode(), _TAP_WITHOUT_HEADER))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _relay(near: int, far: int, orders: socket.socket) -> NoReturn:
    other = {near: far, far: near}
    waiting: collections.deque[tuple[float, int, bytes]] = collections.deque()
    is_holding = False
    delay_seconds = 0.0
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting and not is_holding else None
        readable, _, _ = select.select([near, far, orders.fileno()], [], [], timeout)
        if orders.fileno() in readable:
            delay_seconds, is_holding = _read_order(orders)
        now = time.monotonic()
        for tap in other.keys() & set(readable):
            for frame in _frames(tap):
                if len(waiting) < _MOST_FRAMES:
                    waiting.append((now + delay_seconds, other[tap], frame))
        while waiting and not is_holding and waiting[0][0] <= time.monotonic():
            _, to, frame = waiting.popleft()
            try:
                os.write(to, frame)
            except OSError:
                # The other side is down, or its queue is full: as on a wire, the frame is gone.
                pass


def _frames(tap: int) -> list[bytes]:
    frames = []
    for _ in range(_AT_ONCE):
        try:
            frames.append(os.read(tap, _FRAME_BYTES))
        except OSError:
            break  # no more, or the device is down
    return frames


def _read_order(orders: socket.socket) -> tuple[float, bool]:
    data = orders.recv(4096)
    if not data:
        os._exit(0)
    order = json.loads(data.splitlines()[-1])
    return float(order["delay_seconds"]), bool(order["is_holding"])
