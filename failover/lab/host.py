"""A host of the lab as its maker sees it: run programs in it, read and write its files, cut its power."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from failover.errors import LabError, ProgramError
from failover.lab.control import give_order
from failover.lab.host_file import HostFile, archive
from failover.lab.own_root import clean_environment
from failover.system.runner import Command, Result, Runner, describe_failure, find_program

if TYPE_CHECKING:
    from failover.lab.state import Folder, LabState

_ENABLED = "/etc/failover-lab.json"
"""Which services start at boot, on the host's own disk: what systemd keeps as links below /etc/systemd."""


class Service(Protocol):
    """A server that a host runs."""

    def start(self, host: Host) -> None:
        """Start it; does nothing if it runs already. It need not be ready when this returns."""
        ...

    def ready(self, host: Host) -> None:
        """Wait until it serves.

        Raises:
            FailoverError: it did not within its time; says what it logged last.
        """
        ...


class HostProcess(subprocess.Popen[bytes]):
    """A program inside a host. Signals go to the program itself, not to the nsenter(1) around it."""

    def send_signal(self, sig: int) -> None:
        """Signal it; SIGKILL takes everything in its process group along. Nothing if it has ended."""
        if self.poll() is not None:
            return
        if sig == signal.SIGKILL:
            try:
                os.killpg(self.pid, sig)
            except ProcessLookupError:
                pass
            return
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        for number in children.read_text("ascii").split() or (str(self.pid),):
            try:
                os.kill(int(number), sig)
            except ProcessLookupError:
                pass


class Host:
    """One host. Everything here works on the lab as it is now, also after a power cut by somebody else."""

    def __init__(self, name: str, folder: Folder, services: Mapping[str, Service]) -> None:
        self.name = name
        self._folder = folder
        self._services = services
        self.address = self._lab().hosts[name].address
        self._enabling = threading.Lock()

    def __repr__(self) -> str:
        return f"Host({self.name!r})"

    @property
    def is_running(self) -> bool:
        """Whether its power is on."""
        state = self._folder.read()
        return state is not None and state.hosts[self.name].pid is not None

    @property
    def pid(self) -> int:
        """Its first process, as the machine sees it.

        Raises:
            LabError: it is off.
        """
        pid = self._lab().hosts[self.name].pid
        if pid is None:
            raise LabError(f"{self.name} is off", hint=f"boot it: failover lab fault boot {self.name}")
        return pid

    def argv(self, argv: Sequence[str]) -> tuple[str, ...]:
        """The words that run `argv` in the host when run outside of it, as root of the host, in its /.

        Raises:
            LabError: it is off.
        """
        rootless = ("--user",) if self._lab().is_rootless else ()
        # --mount enters at the new root: --root and --wdns would only repeat that.
        return (
            find_program("nsenter"), "--target", str(self.pid), *rootless, "--mount", "--uts", "--ipc", "--net", "--pid",
            "--setuid", "0", "--setgid", "0", "--", *argv,
        )  # fmt: skip

    def popen(
        self, argv: Sequence[str], *, environment: Mapping[str, str] | None = None, **options: Any
    ) -> HostProcess:
        """Start a program in the host; `options` are subprocess.Popen's. The environment is clean, plus what is given.

        Raises:
            LabError: it is off.
        """
        options.setdefault("start_new_session", True)
        return HostProcess(self.argv(argv), env=clean_environment() | dict(environment or {}), **options)

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_seconds: float = 10.0,
        accepted: Iterable[int] = (0,),
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a program in the host to its end.

        Raises:
            LabError: the host is off.
            ProgramError: it took too long (and was killed), or ended with a status that is not accepted.
        """
        process = self.popen(
            argv,
            environment=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with process:
            try:
                stdout, stderr = process.communicate(stdin, timeout_seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise ProgramError(f"{self.name}: {argv[0]}: no end within {timeout_seconds:g} s") from None
            except BaseException:
                process.kill()
                raise
        result = Result(process.returncode, stdout, stderr)
        command = Command(tuple(argv), timeout_seconds, frozenset(accepted), stdin)
        if result.status not in command.accepted:
            raise ProgramError(f"{self.name}: {describe_failure(command, result)}")
        return result

    def runner(self) -> Runner:
        """This host as a failover.system.runner.Runner."""
        return _HostRunner(self)

    def start_server(
        self, argv: Sequence[str], *, log: str, environment: Mapping[str, str] | None = None
    ) -> int:
        """Have the host's first process start a server, with its output in a log file; its process number in the host.

        Raises:
            LabError: the host is off, or has no such program.
        """
        answer = self._order("start", argv=list(argv), log=log, environment=dict(environment or {}))
        return int(answer["pid"])

    def write(self, path: str, content: bytes, *, mode: int = 0o644, owner: str = "root") -> None:
        """Write a file, with the folders above it; `owner` is USER or USER:GROUP."""
        user, _, group = owner.partition(":")
        self.run(
            ("install", "-D", "-m", f"{mode:04o}", "-o", user, "-g", group or user, "/dev/stdin", path),
            stdin=content,
        )

    def write_files(self, files: Iterable[HostFile]) -> None:
        """Write many files and folders at once."""
        argv = ("tar", "--extract", "--same-owner", "--preserve-permissions", "--touch", "--directory", "/")
        self.run(argv, stdin=archive(files))

    def read(self, path: str) -> bytes:
        """A file's content.

        Raises:
            ProgramError: there is none.
        """
        return self.run(("cat", path)).stdout

    def exists(self, path: str) -> bool:
        """Whether there is something at that path."""
        return self.run(("test", "-e", path), accepted=(0, 1)).status == 0

    def make_folder(self, path: str, *, mode: int = 0o755, owner: str = "root") -> None:
        """Make a folder, with those above it."""
        user, _, group = owner.partition(":")
        self.run(("install", "-d", "-m", f"{mode:04o}", "-o", user, "-g", group or user, path))

    def process_numbers(self, program: str) -> tuple[int, ...]:
        """The process numbers, in the host, of what runs under that exact program name (comm)."""
        said = self.run(("pgrep", "-x", program), accepted=(0, 1)).stdout
        return tuple(int(number) for number in said.split())

    def power_cut(self) -> None:
        """Everything in it is gone at once, and the net hears nothing of it; its disk stays. Nothing if it is off."""
        self._order("power_cut")

    def boot(self) -> None:
        """Power on: its kernel half, then the services that are enabled, each waited for.

        Raises:
            LabError: it is on already, or did not boot.
            FailoverError: a service did not come up.
        """
        self._order("boot")
        services = [self._services[name] for name in self.enabled]
        for service in services:
            service.start(self)
        for service in services:
            service.ready(self)

    @property
    def enabled(self) -> tuple[str, ...]:
        """The services that start at boot."""
        if not self.exists(_ENABLED):
            return ()
        return tuple(json.loads(self.read(_ENABLED)))

    def enable(self, *names: str) -> None:
        """Have services start at boot, from now on; it starts nothing now. See `failover.lab.services.SERVICES`.

        Raises:
            LabError: there is no such service.
        """
        for name in names:
            if name not in self._services:
                raise LabError(f"there is no service {name!r}", hint=f"services: {', '.join(self._services)}")
        # Servers of one host are set up side by side: none of them may overwrite what another has just added.
        with self._enabling:
            self.write(_ENABLED, json.dumps(list(dict.fromkeys((*self.enabled, *names)))).encode())

    def disable(self, *names: str) -> None:
        """Have services not start at boot any more; it stops nothing now."""
        with self._enabling:
            self.write(_ENABLED, json.dumps([name for name in self.enabled if name not in names]).encode())

    def _lab(self) -> LabState:
        state = self._folder.read()
        if state is None:
            raise LabError(f"lab {self._folder.path.name} is not up", hint="failover lab up")
        return state

    def _order(self, order: str, **details: Any) -> dict[str, Any]:
        return give_order(self._folder, order, host=self.name, **details)


class _HostRunner:
    def __init__(self, host: Host) -> None:
        self._host = host

    def run(self, command: Command) -> Result:
        return self._host.run(
            command.argv,
            timeout_seconds=command.timeout_seconds,
            accepted=command.accepted,
            stdin=command.stdin,
            environment=command.environment,
        )
