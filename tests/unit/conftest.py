"""Keeps unit tests pure: no network, no process, no waiting. What needs those is an integration test.

Unix sockets and socket pairs stay: they never leave the test. `tests/unit/system` may run programs and sleep,
because failover.system is where programs are run and time is read.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_SYSTEM = Path(__file__).parent / "system"
_INTERNET = (socket.AF_INET, socket.AF_INET6)


class OutsideWorldError(BaseException):
    """A unit test reached for the outside world. Not an Exception, so that no handler under test swallows it."""


def _only_local(method: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        if self.family in _INTERNET:
            raise OutsideWorldError(
                f"a unit test called {method.__name__} on a network socket: {arguments!r}"
            )
        return method(self, *arguments)

    return guarded


def _no_look_up(host: object, *_: object, **__: object) -> None:
    raise OutsideWorldError(f"a unit test looked up the name {host!r}")


def _no_sleep(seconds: float) -> None:
    raise OutsideWorldError(f"a unit test slept for {seconds} s; use tests.fakes.clock")


@pytest.fixture(autouse=True)
def _no_outside_world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, _only_local(getattr(socket.socket, name)))
    monkeypatch.setattr(socket, "getaddrinfo", _no_look_up)

    if request.path.is_relative_to(_SYSTEM):
        return
    start = subprocess.Popen.__init__

    def no_process(self: Any, *arguments: Any, **options: Any) -> None:
        # ctypes finds the C library by asking ldconfig, once, when pyinotify is first used.
        if sys._getframe(1).f_globals.get("__name__") == "ctypes.util":
            start(self, *arguments, **options)
            return
        raise OutsideWorldError(f"a unit test started a process: {arguments!r} {options!r}")

    monkeypatch.setattr(subprocess.Popen, "__init__", no_process)
    monkeypatch.setattr(time, "sleep", _no_sleep)
