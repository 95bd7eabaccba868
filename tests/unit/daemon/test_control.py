from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from failover.daemon.control_server import ControlServer
from failover.errors import MirrorError
from failover.sync.control import SyncControl
from failover.sync.status import MirrorState, MirrorStatus

_STATUS = MirrorStatus("www", MirrorState.IN_SYNC, "2026-01-01T00:00:00+00:00", waiting_paths=0)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Callable[[dict[str, Any]], dict[str, Any]]], Path]]:
    path = tmp_path / "run" / "sync.sock"
    servers = []

    def start(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
        server = ControlServer(path, answer)
        os.set_blocking(server.fileno(), True)
        server._socket.setblocking(True)
        threading.Thread(target=server.accept, daemon=True).start()
        servers.append(server)
        return path

    yield start
    for server in servers:
        server.close()


def test_status_travels_whole(serve: Any) -> None:
    path = serve(lambda _: {"mirrors": [{**_STATUS.to_json(), "from_a_newer_version": 1}]})

    assert SyncControl(path).status() == (_STATUS,)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_drain_gives_checkpoints(serve: Any) -> None:
    asked = []

    def answer(question: dict[str, Any]) -> dict[str, Any]:
        asked.append(question)
        moment = "2026-01-02T03:04:05.678901+00:00"
        return {"checkpoints": [{"mirror": "www", "epoch": 4, "source_time": moment}]}

    (checkpoint,) = SyncControl(serve(answer)).drain(7.5)

    assert asked == [{"ask": "drain", "timeout_seconds": 7.5}]
    assert (checkpoint.epoch, checkpoint.source_time.microsecond) == (4, 678901)


def test_error_of_the_daemon_reaches_the_asker(serve: Any) -> None:
    def answer(_: dict[str, Any]) -> dict[str, Any]:
        raise MirrorError("halted", hint="look")

    with pytest.raises(MirrorError, match="halted") as raised:
        SyncControl(serve(answer)).refresh()

    assert raised.value.hint == "look"


@pytest.mark.parametrize("answer", [{}, {"mirrors": 1}, {"mirrors": [{}]}, {"mirrors": [{"state": "odd"}]}])
def test_answer_without_sense_is_said(serve: Any, answer: dict[str, Any]) -> None:
    with pytest.raises(MirrorError, match="no sense"):
        SyncControl(serve(lambda _: answer)).status()


def test_daemon_that_does_not_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(MirrorError, match="does not run"):
        SyncControl(tmp_path / "sync.sock").status()


def test_socket_left_by_a_dead_daemon_is_said(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / "sync.sock", lambda _: {})
    server._socket.close()

    with pytest.raises(MirrorError, match="does not run"):
        SyncControl(tmp_path / "sync.sock").stop_pushing()


def test_every_state_has_its_words() -> None:
    assert all(state.description for state in MirrorState)
    assert not MirrorStatus("www", MirrorState.IN_SYNC, "").is_in_sync
    assert _STATUS.is_in_sync
