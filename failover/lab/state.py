"""Where a lab keeps its small state, and who holds it: one folder a lab, locked by its keeper for as long as it lives."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from failover.errors import LabError, UsageError
from failover.system.files import replace_file

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class HostState:
    """A host as seen from outside: its address, and the process number of its first process (None: powered off)."""

    address: str
    pid: int | None


@dataclass(frozen=True, slots=True)
class LabState:
    """What a lab is: who keeps it, and its hosts."""

    name: str
    keeper: int
    is_rootless: bool
    disk_bytes: int
    hosts: dict[str, HostState] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """As it is written to disk."""
        return json.dumps(asdict(self), indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> LabState:
        """The opposite of `to_json`."""
        read = json.loads(data)
        read["hosts"] = {name: HostState(**host) for name, host in read["hosts"].items()}
        return cls(**read)


def check_name(name: str) -> str:
    """The name itself, if it can be a lab's.

    Raises:
        UsageError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a lab's name", hint="use up to 40 of a-z, 0-9 and -")
    return name


def labs_folder() -> Path:
    """Where the folders of all of this user's labs are."""
    user = os.geteuid()
    if user == 0:
        return Path("/run/failover-lab")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK):
        return Path(runtime) / "failover-lab"
    return Path("/tmp") / f"failover-lab-{user}"  # noqa: S108 - checked to be ours when it is made


def make_labs_folder(folder: Path) -> None:
    """Make the folder of all labs, and see that it is nobody else's.

    Raises:
        LabError: it belongs to another user.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.geteuid() or folder.is_symlink():
        raise LabError(f"{folder} belongs to another user", hint="have it removed, or set XDG_RUNTIME_DIR")


class Folder:
    """The folder of one lab."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = path / "lock"
        self.state = path / "lab.json"
        self.control = path / "control"
        self.log = path / "keeper.log"
        self.ground = path / "ground"

    def read(self) -> LabState | None:
        """What the lab is, or None if there is none or it is not up yet."""
        try:
            return LabState.from_json(self.state.read_bytes())
        except FileNotFoundError:
            return None

    def write(self, state: LabState) -> None:
        """Tell everybody what the lab is."""
        replace_file(self.state, state.to_json(), mode=0o600, durable=False)

    def hold(self) -> int | None:
        """Make and lock it; the descriptor that holds the lock, or None if a living lab has it."""
        while True:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except FileNotFoundError:
                continue  # somebody removed the folder between the two calls
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            try:
                if os.path.samestat(os.fstat(descriptor), self.lock.stat()):
                    return descriptor
            except FileNotFoundError:
                pass  # it was removed, by a lab going down, between the two calls
            os.close(descriptor)

    def is_held(self) -> bool:
        """Whether a living keeper has it. What a killed one leaves is not held."""
        try:
            descriptor = os.open(self.lock, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def remove(self) -> None:
        """Remove it, and the folder of all labs if it was the last. The caller holds it, or knows that it is stale."""
        shutil.rmtree(self.path, ignore_errors=True)
        try:
            self.path.parent.rmdir()
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.ENOENT, errno.EBUSY}:
                raise


def folder_of(name: str) -> Folder:
    """The folder of the lab of that name.

    Raises:
        UsageError: no lab can have that name.
    """
    return Folder(labs_folder() / check_name(name))


def every_folder() -> Iterator[Folder]:
    """The folders of all labs of this user, dead ones as well."""
    try:
        paths = sorted(labs_folder().iterdir())
    except FileNotFoundError:
        return
    for path in paths:
        if path.is_dir():
            yield Folder(path)


def remove_dead_labs() -> None:
    """Remove what labs left whose keeper was killed."""
    for folder in every_folder():
        descriptor = folder.hold()
        if descriptor is not None:
            folder.remove()
            os.close(descriptor)
