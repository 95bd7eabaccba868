"""The first process of a host: builds the host around itself, then starts its servers and reaps what they leave.

Forked by the keeper, never started as a program. It talks with the keeper over a socket pair, one JSON line a word;
when that socket closes, the keeper is dead, and so is the host.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from failover.lab import kernel
from failover.lab.kernel import Namespace
from failover.lab.line import host_words
from failover.lab.own_root import build_root, clean_environment
from failover.lab.topology import Place

_ANSWER_SECONDS = 20.0
_OWN = Namespace.MOUNT | Namespace.NAMES | Namespace.MESSAGES | Namespace.NETWORK


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What a host is made of. `disk` is mounted in the keeper's mount namespace."""

    place: Place
    disk: Path
    shown: tuple[Path, ...]
    is_rootless: bool


def fork_host(plan: HostPlan) -> tuple[int, socket.socket]:
    """Fork the first process of a host; its process number as the caller sees it, and the socket to it.

    It says `apart` when it has its own namespaces, waits for `wired`, and then says `up`; see `be_first`.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    number_in, number_out = os.pipe()
    middle = os.fork()
    if middle == 0:
        # Only children enter a new process namespace, so somebody has to be between; the keeper adopts the child.
        try:
            kernel.unshare(Namespace.PROCESSES)
            child = os.fork()
            if child == 0:
                be_first(plan, theirs)
            os.write(number_out, str(child).encode())
        finally:
            os._exit(0)
    os.waitpid(middle, 0)
    os.close(number_out)
    with open(number_in, "rb") as answer:
        number = answer.read()
    theirs.close()
    # A host that hangs must not hang the keeper, which has an owner to watch.
    ours.settimeout(_ANSWER_SECONDS)
    if not number:
        ours.close()
        raise PermissionError("the kernel gives no process namespace to this user")
    # Only now: the parent's death that this signal is about must not be the one of the process between.
    say(ours, {"order": "adopted"})
    return int(number), ours


def be_first(plan: HostPlan, channel: socket.socket) -> NoReturn:
    """Be the first process of a host, to its end."""
    status = 1
    try:
        close_all_but({channel.fileno()})
        lines = Lines(channel)
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        _expect(lines, "adopted")
        # Should the keeper have died just now, the closed socket says so at the next word.
        kernel.die_with_parent(signal.SIGKILL)
        kernel.unshare(_OWN)
        say(channel, {"word": "apart"})
        _expect(lines, "wired")
        os.umask(0o022)
        kernel.set_host_name(plan.place.name)
        subprocess.run(("ip", "-batch", "-"), input=host_words(plan.place).encode(), check=True)
        build_root(plan.disk, plan.place, places=plan.shown, is_rootless=plan.is_rootless)
        say(channel, {"word": "up"})
        status = _serve(lines)
    except Exception as error:  # noqa: BLE001 - whatever it is, the keeper has to hear of it
        try:
            say(channel, {"error": f"{type(error).__name__}: {error}"})
        except OSError:
            pass
    finally:
        os._exit(status)


class Lines:
    """JSON lines from a socket, without reading more than has arrived."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self._buffer = b""

    def next(self) -> dict[str, Any] | None:
        """The next line, or None if the other side has closed. Raises TimeoutError if the socket has a limit."""
        while b"\n" not in self._buffer:
            try:
                data = self.channel.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message


def say(channel: socket.socket, message: dict[str, Any]) -> None:
    """Send one line."""
    channel.sendall(json.dumps(message).encode() + b"\n")


def _expect(lines: Lines, order: str) -> None:
    message = lines.next()
    if message is None:
        os._exit(1)
    if message.get("order") != order:
        raise ValueError(f"{order!r} expected, {message!r} came")


def _serve(lines: Lines) -> int:
    wake_out, wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
    poller = select.poll()
    poller.register(wake_out, select.POLLIN)
    poller.register(lines.channel, select.POLLIN)
    while True:
        for descriptor, _ in poller.poll():
            if descriptor == wake_out:
                os.read(wake_out, 4096)
                _reap()
                continue
            message = lines.next()
            if message is None:
                return 0
            say(lines.channel, _start(message["argv"], message["log"], message["environment"]))


def _reap() -> None:
    while True:
        try:
            number, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if number == 0:
            return


def close_all_but(kept: Container[int]) -> None:
    """For a process just forked: another host's socket held here would hide the keeper's death from that host."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2 and descriptor not in kept:
            try:
                os.close(descriptor)
            except OSError:
                pass  # the listing's own


def _start(argv: Sequence[str], log: str, environment: dict[str, str]) -> dict[str, Any]:
    """Start a server in a session of its own, its output appended to `log`; its process number inside the host."""
    environment = clean_environment() | environment
    program = shutil.which(argv[0], path=environment["PATH"])
    if program is None:
        return {"error": f"{argv[0]} is not installed"}
    try:
        Path(log).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    except OSError as error:
        return {"error": f"{log}: {error.strerror}"}
    begun_out, begun_in = os.pipe2(os.O_CLOEXEC)
    number = os.fork()
    if number == 0:
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            # What Python or this process ignores would stay ignored in the program.
            for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(name, signal.SIG_DFL)
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.execve(program, list(argv), environment)  # noqa: S606 - no shell is wanted
        finally:
            os._exit(127)
    os.close(output)
    # The program has begun when the exec closes the pipe: a signal sent before that would not be the program's.
    os.close(begun_in)
    os.read(begun_out, 1)
    os.close(begun_out)
    return {"pid": number}
