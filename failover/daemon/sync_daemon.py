"""`failover sync`: the main loop. Signals, the control socket, the status file, systemd; the mirrors do the work."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import threading
from collections.abc import Callable
from typing import Any

from failover.config.settings import Settings
from failover.daemon.control_server import ControlServer
from failover.daemon.mirrors import Mirrors
from failover.errors import ExitStatus, FailoverError, MirrorError
from failover.model.role import NodeState
from failover.sync.control import SOCKET_NAME
from failover.sync.status import MirrorState, MirrorStatus
from failover.system.clock import Clock
from failover.system.files import replace_file
from failover.system.lock import FileLock
from failover.system.node_state import read_node_state
from failover.system.remote import SshTarget
from failover.system.runner import Command, Runner
from failover.system.signals import SignalQueue
from failover.system.systemd import Notifier

log = logging.getLogger(__name__)

STATUS_NAME = "sync-status.json"
_STATUS_SECONDS = 0.2
"""The status file is written no more often than this."""
_LONGEST_DRAIN_SECONDS = 86400.0


class SyncDaemon:
    """One per node. It never ends because of what a mirror meets; only a signal ends it."""

    def __init__(
        self,
        node: str,
        load: Callable[[], Settings],
        *,
        clock: Clock,
        runner: Runner,
        notifier: Notifier | None = None,
    ) -> None:
        self._node = node
        self._load = load
        self._settings = load()
        self._clock = clock
        self._runner = runner
        self._notifier = notifier or Notifier()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._mirrors = self._make_mirrors()
        self._written_at = float("-inf")
        self._is_status_old = True
        self._role_error: str | None = None
        self._role_lock = threading.Lock()
        """Roles are taken by the main loop and by whoever asks for a refresh."""

    def run(self) -> int:
        """Until SIGTERM or SIGINT; the exit status.

        Raises:
            MirrorError: another one runs.
        """
        runtime = self._settings.paths.runtime
        runtime.mkdir(parents=True, exist_ok=True)
        with FileLock(runtime / "sync.lock") as lock:
            holder = lock.acquire(f"pid {os.getpid()}")
            if holder is not None:
                raise MirrorError(f"another sync daemon runs here ({holder})", exit_status=ExitStatus.LOCKED)
            server = ControlServer(runtime / SOCKET_NAME, self._answer)
            try:
                with SignalQueue((signal.SIGTERM, signal.SIGINT, signal.SIGHUP)) as signals:
                    self._take_role()
                    self._notifier.ready(self._sentence())
                    self._loop(server, signals)
            finally:
                self._notifier.stopping()
                server.close()
                self._mirrors.stop()
                self._write_status()
                self._close_connection()
        return ExitStatus.DONE

    def _loop(self, server: ControlServer, signals: SignalQueue) -> None:
        poll = select.poll()
        for descriptor in (server.fileno(), signals.fileno(), self._bell):
            poll.register(descriptor, select.POLLIN)
        while True:
            poll.poll(self._pause_milliseconds())
            for number in signals.take():
                if number != signal.SIGHUP:
                    return
                self._reload()
            server.accept()
            self._drain_bell()
            if self._is_status_old and self._clock.monotonic() >= self._written_at + _STATUS_SECONDS:
                self._write_status()
                self._notifier.status(self._sentence())
            self._notifier.alive()

    def _pause_milliseconds(self) -> int | None:
        pauses = []
        if self._notifier.watchdog_seconds is not None:
            pauses.append(self._notifier.watchdog_seconds / 2)
        if self._is_status_old:
            pauses.append(max(0.0, self._written_at + _STATUS_SECONDS - self._clock.monotonic()))
        return int(min(pauses) * 1000) + 1 if pauses else None

    def _ring(self, _status: MirrorStatus | None = None) -> None:
        os.eventfd_write(self._bell, 1)

    def _drain_bell(self) -> None:
        try:
            os.eventfd_read(self._bell)
        except BlockingIOError:
            return
        self._is_status_old = True

    def _make_mirrors(self) -> Mirrors:
        return Mirrors(self._settings, clock=self._clock, on_change=self._ring)

    def _take_role(self) -> None:
        """Read the node's state and act on it. Without one, or with a wrong one, nothing is pushed."""
        with self._role_lock:
            self._take_role_alone()
        self._ring()

    def _take_role_alone(self) -> None:
        self._role_error = None
        state: NodeState | None = None
        try:
            state = read_node_state(self._settings.paths.state)
        except FailoverError as error:
            self._role_error = error.message
        if state is None and self._role_error is None:
            self._role_error = "this node has no role yet: failover init"
        if state is not None and state.node != self._node:
            self._role_error = f"the node state is {state.node}'s, this node is {self._node}"
            state = None
        before = self._mirrors.state
        self._mirrors.take_role(state)
        if self._role_error is not None:
            log.warning("passive: %s", self._role_error)
        elif state is not None and state != before:
            log.info("node %s is %s in epoch %d", state.node, state.role.value, state.epoch)

    def _reload(self) -> None:
        """SIGHUP: the configuration anew; a wrong one changes nothing."""
        try:
            settings = self._load()
        except FailoverError as error:
            log.error("configuration not taken: %s", error.message)
            return
        if settings != self._settings:
            with self._role_lock:
                self._settings = settings
                self._mirrors.stop()
                self._mirrors = self._make_mirrors()
        log.info("configuration read")
        self._take_role()

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        match question:
            case {"ask": "status"}:
                return self._describe()
            case {"ask": "drain", "timeout_seconds": int() | float() as seconds}:
                checkpoints = self._mirrors.drain(min(float(seconds), _LONGEST_DRAIN_SECONDS))
                return {
                    "checkpoints": [
                        {"mirror": one.mirror, "epoch": one.epoch, "source_time": one.source_time.isoformat()}
                        for one in checkpoints
                    ]
                }
            case {"ask": "refresh"}:
                self._take_role()
            case {"ask": "stop-pushing"}:
                self._mirrors.stop_pushing()
            case {"ask": "resume", **rest}:
                name = rest.get("mirror")
                self._mirrors.resume(None if name is None else str(name))
            case _:
                raise MirrorError("the sync daemon does not know that question")
        return {"done": True}

    def _describe(self) -> dict[str, Any]:
        state = self._mirrors.state
        return {
            "node": self._node,
            "role": None if state is None else state.role.value,
            "epoch": None if state is None else state.epoch,
            "passive_because": self._role_error,
            "mirrors": [status.to_json() for status in self._mirrors.statuses()],
        }

    def _write_status(self) -> None:
        self._is_status_old = False
        self._written_at = self._clock.monotonic()
        content = {**self._describe(), "written_at": self._clock.now().isoformat()}
        path = self._settings.paths.runtime / STATUS_NAME
        try:
            replace_file(path, json.dumps(content, indent=2).encode() + b"\n", durable=False)
        except OSError as error:
            log.error("cannot write %s: %s", path, error.strerror)

    def _sentence(self) -> str:
        if self._role_error is not None:
            return f"passive: {self._role_error}"
        statuses = self._mirrors.statuses()
        if all(status.state is MirrorState.STANDBY for status in statuses):
            return "standby, receives"
        return "; ".join(f"{status.mirror} {status.state.value}" for status in statuses)

    def _close_connection(self) -> None:
        """End the shared ssh connection; without this it would stay for its ControlPersist time."""
        path = self._settings.paths.runtime / "ssh.sock"
        if path.exists():
            ssh = self._settings.ssh
            target = SshTarget("peer", "root", 22, ssh.key, ssh.known_hosts, 1, path)
            argv = ("ssh", *target.ssh_options(), "-O", "exit", "peer")
            try:
                self._runner.run(Command(argv, timeout_seconds=2, accepted=frozenset({0, 255})))
            except FailoverError:
                return
