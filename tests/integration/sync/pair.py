"""Two nodes on one machine: two directories, two configurations, one private sshd that plays the standby's."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from failover.config.load import load_settings
from failover.config.settings import Settings
from failover.errors import FailoverError
from failover.model.role import NodeState
from failover.sync.control import SyncControl
from failover.sync.status import MirrorState, MirrorStatus
from failover.system.node_state import write_node_state

STANDBY, PRIMARY = "web2", "web1"


def until(condition: Callable[[], Any], *, seconds: float = 20.0, what: str) -> Any:
    """The first true value of the condition."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)


class Pair:
    def __init__(self, base: Path) -> None:
        self.base = base
        self.port = _free_port()
        self._sshd: subprocess.Popen[bytes] | None = None
        self.daemon: subprocess.Popen[bytes] | None = None
        self.delete = True
        self.exclude: list[str] = []
        (base / "ssh").mkdir(mode=0o700)
        for name in ("host", "key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(base / "ssh" / name)], check=True
            )
        host_key = (base / "ssh" / "host.pub").read_text().split()[:2]
        (base / "ssh" / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {' '.join(host_key)}\n")
        for node in (PRIMARY, STANDBY):
            for folder in ("www", "state", "run"):
                (base / node / folder).mkdir(parents=True)
        self.configure()
        self.set_role(PRIMARY, epoch=1, primary=PRIMARY)
        self.set_role(STANDBY, epoch=1, primary=PRIMARY)

    source = property(lambda self: self.base / PRIMARY / "www")
    target = property(lambda self: self.base / STANDBY / "www")

    def state_directory(self, node: str) -> Path:
        return self.base / node / "state"

    def settings(self, node: str) -> Settings:
        return load_settings(self.base / node / "failover.yaml")

    def configure(self, *, exclude: tuple[str, ...] = (), delete: bool = True) -> None:
        for node in (PRIMARY, STANDBY):
            home = self.base / node
            document = {
                "nodes": {
                    name: {"address": address, "ssh_port": self.port}
                    for name, address in ((PRIMARY, "127.0.0.2"), (STANDBY, "127.0.0.1"))
                },
                "ssh": {
                    "key": str(self.base / "ssh" / "key"),
                    "known_hosts": str(self.base / "ssh" / "known_hosts"),
                },
                "mirrors": {"www": {"path": str(home / "www"), "exclude": list(exclude), "delete": delete}},
                "paths": {"state": str(home / "state"), "runtime": str(home / "run")},
                "dns": {
                    "zone": "example.org.",
                    "servers": [{"address": "192.0.2.53"}],
                    "tsig": {"name": "k.", "algorithm": "hmac-sha256", "secret": "file:/nowhere"},
                    "records": [
                        {
                            "name": "www.example.org.",
                            "type": "A",
                            "values": {PRIMARY: ["192.0.2.1"], STANDBY: ["192.0.2.2"]},
                        }
                    ],
                },
            }
            (home / "failover.yaml").write_text(yaml.safe_dump(document))

    def set_role(self, node: str, *, epoch: int, primary: str) -> None:
        write_node_state(self.state_directory(node), NodeState(node, epoch, primary))

    def environment(self, node: str) -> dict[str, str]:
        return {
            **os.environ,
            "FAILOVER_CONFIG": str(self.base / node / "failover.yaml"),
            "FAILOVER_NODE": node,
        }

    # the standby's sshd

    def start_sshd(self) -> None:
        forced = shlex.join(
            [
                "env",
                f"FAILOVER_CONFIG={self.base / STANDBY / 'failover.yaml'}",
                f"FAILOVER_NODE={STANDBY}",
                sys.executable,
                "-m",
                "failover",
                "receive",
            ]
        )
        key = (self.base / "ssh" / "key.pub").read_text().strip()
        (self.base / "ssh" / "authorized_keys").write_text(f'restrict,command="{forced}" {key}\n')
        (self.base / "ssh" / "authorized_keys").chmod(0o600)
        (self.base / "ssh" / "banner").write_text("a banner that says hello\n")
        config = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": self.base / "ssh" / "host",
            "AuthorizedKeysFile": self.base / "ssh" / "authorized_keys",
            "Banner": self.base / "ssh" / "banner",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PermitRootLogin": "prohibit-password",
            "PasswordAuthentication": "no",
            "MaxStartups": "100",
        }
        path = self.base / "ssh" / "sshd_config"
        path.write_text("".join(f"{name} {value}\n" for name, value in config.items()))
        Path("/run/sshd").mkdir(exist_ok=True)
        with (self.base / "sshd.log").open("ab") as log:
            self._sshd = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", str(path)], stderr=log, start_new_session=True
            )
        until(lambda: _answers(self.port), what="sshd")

    def stop_sshd(self) -> None:
        """The standby is gone: its sshd, its sessions, everything they run."""
        if self._sshd is not None:
            for pid in _descendants(self._sshd.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self._sshd.kill()
            self._sshd.wait()
            self._sshd = None

    # the primary's daemon

    def start_daemon(self, *, wait: bool = True) -> None:
        with (self.base / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "failover", "sync"],
                env=self.environment(PRIMARY),
                stderr=log,
                stdout=log,
                start_new_session=True,
            )
        if wait:
            self.until_state(MirrorState.IN_SYNC)

    def stop_daemon(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.daemon is not None
        daemon, self.daemon = self.daemon, None
        daemon.send_signal(number)
        return daemon.wait(10)

    def control(self) -> SyncControl:
        return SyncControl(self.base / PRIMARY / "run" / "sync.sock")

    def status(self) -> MirrorStatus | None:
        try:
            return self.control().status()[0]
        except FailoverError:
            return None

    def until_state(self, state: MirrorState, *, seconds: float = 20.0) -> MirrorStatus:
        def reached() -> MirrorStatus | None:
            status = self.status()
            return status if status is not None and status.state is state else None

        try:
            found: MirrorStatus = until(reached, seconds=seconds, what=f"state {state.value}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.status()}; log:\n{self.log()}") from None
        return found

    def drain(self, seconds: float = 30.0) -> None:
        try:
            self.control().drain(seconds)
        except Exception as error:
            raise AssertionError(f"{error}; {self.status()}; log:\n{self.log()}") from error

    def log(self) -> str:
        return (self.base / "daemon.log").read_text()

    def run(self, *words: str, node: str = PRIMARY) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "failover", *words],
            env=self.environment(node),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def slow_rsync(self, folder: Path) -> None:
        """From now on the standby's rsync is one that never answers."""
        program = folder / "rsync"
        program.write_text("#!/bin/sh\nexec sleep 1000\n")
        program.chmod(0o755)
        key = self.base / "ssh" / "authorized_keys"
        key.write_text(key.read_text().replace("env ", f"env PATH={folder}:{os.environ['PATH']} ", 1))

    def idle_for(self, seconds: float) -> bool:
        self._idle_since = getattr(self, "_idle_since", None) or time.monotonic()
        return time.monotonic() - self._idle_since >= seconds

    def differences(self) -> list[str]:
        return compare(self.source, self.target)

    def close(self) -> None:
        if self.daemon is not None:
            self.stop_daemon(signal.SIGKILL)
        ssh = self.base / PRIMARY / "run" / "ssh.sock"
        if ssh.exists():
            subprocess.run(
                ["ssh", "-F", "none", "-o", f"ControlPath={ssh}", "-O", "exit", "x"],
                capture_output=True,
                check=False,
                timeout=5,
            )
        self.stop_sshd()


def compare(one: Path, other: Path) -> list[str]:
    """What differs between two trees, strictly: type, mode, owner, mtime to the nanosecond, content, links."""
    left, right = snapshot(one), snapshot(other)
    return sorted(
        f"{path!r}: {left.get(path)} != {right.get(path)}"
        for path in left.keys() | right.keys()
        if left.get(path) != right.get(path)
    )


def snapshot(root: Path) -> dict[bytes, Any]:
    base = os.fsencode(root)
    found: dict[bytes, Any] = {}
    groups: dict[tuple[int, int], list[bytes]] = {}

    def visit(path: bytes) -> None:
        full = base + b"/" + path if path else base
        status = os.lstat(full)
        kind = status.st_mode & 0o170000
        facts: list[Any] = [oct(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns]
        if kind == 0o100000:
            facts.append(Path(os.fsdecode(full)).read_bytes())
            if status.st_nlink > 1:
                groups.setdefault((status.st_dev, status.st_ino), []).append(path)
        elif kind == 0o120000:
            facts.append(Path(os.fsdecode(full)).readlink())
        facts.append({name: os.getxattr(full, name, follow_symlinks=False) for name in _xattrs(full)})
        found[path] = facts
        if kind == 0o040000:
            with os.scandir(full) as entries:
                names = sorted(entry.name for entry in entries)
            for name in names:
                visit(path + b"/" + name if path else name)

    visit(b"")
    for paths in groups.values():
        for path in paths:
            found[path].append(("linked", tuple(sorted(paths))))
    return found


def _xattrs(path: bytes) -> list[str]:
    return [os.fsdecode(name) for name in os.listxattr(path, follow_symlinks=False)]


def _descendants(pid: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    stack = [pid]
    while stack:
        for child in children.get(stack.pop(), []):
            yield child
            stack.append(child)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


@contextmanager
def new_pair(base: Path) -> Iterator[Pair]:
    pair = Pair(base)
    try:
        yield pair
    finally:
        pair.close()


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())
