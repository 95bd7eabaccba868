"""A host's root file system, built inside the host's new mount namespace.

Shown is what is listed here and nothing else: the machine's programs (/usr, written to only in an overlay), a private
/etc, empty /var, /srv, /home, /root, /opt, and, read-only at their own places, what running failover needs.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import failover
from failover.lab import kernel
from failover.lab.kernel import MountFlag
from failover.lab.own_etc import make_etc
from failover.lab.requirements import SEARCH_PATH
from failover.lab.topology import Place

_EMPTY = (
    "dev", "home", "mnt", "opt", "proc", "run", "srv", "sys", "tmp", "usr", "usr/local", "var", "var/backups",
    "var/cache", "var/lib", "var/log", "var/mail", "var/spool", "var/tmp", "var/www", "var/cache/bind", "var/lib/bind",
)  # fmt: skip
_OWN_LINKS = {"var/run": "/run", "var/lock": "/run/lock"}
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_GUARDED = MountFlag.NO_SUID | MountFlag.NO_DEVICES
WRAPPER = Path("/usr/local/bin/failover")


def needed_places(extra: Sequence[Path] = ()) -> tuple[Path, ...]:
    """What running failover needs and /usr has not: the environment, its Python, the package if it lies elsewhere."""
    wanted = [Path(sys.prefix), Path(sys.base_prefix)]
    wanted += [Path(place).resolve() for place in os.environ.get("PYTHONPATH", "").split(":") if place]
    wanted.append(Path(failover.__file__).resolve().parent)
    # Where an editable install has it, only its finder knows.
    templates = importlib.util.find_spec("failover.templates")
    if templates is not None and templates.origin is not None:
        wanted.append(Path(templates.origin).resolve().parent)
    places: list[Path] = []
    for place in [*sorted(set(wanted), key=lambda path: len(path.parts)), *extra]:
        if place.exists() and not any(place.is_relative_to(outer) for outer in (Path("/usr"), *places)):
            places.append(place)
    return tuple(places)


def python_words() -> str:
    """For a script in a host: the Python that runs this, finding what this one finds."""
    places = os.environ.get("PYTHONPATH", "")
    # -P: the folder a command is typed in must not be searched for Python modules.
    return (f"env PYTHONPATH={places} " if places else "") + f"{sys.executable} -P"


def wrapper_script(environment: Sequence[str] = ()) -> bytes:
    """`failover` as an installed package would bring it; `environment` holds NAME=VALUE words."""
    setting = f"env {' '.join(environment)} " if environment else ""
    return f'#!/bin/sh\nexec {setting}{python_words()} -m failover "$@"\n'.encode()


def build_root(disk: Path, place: Place, *, places: Sequence[Path], is_rootless: bool) -> None:
    """Make the host's root on its disk if this is its first boot, mount what it shows, and move into it.

    Raises:
        OSError: the kernel refused a mount; its file name says which.
    """
    root = disk / "root"
    if not root.exists():
        _make_disk(disk, root, place)
    kernel.bind(root, root)
    layers = f"lowerdir=/usr,upperdir={disk}/usr/upper,workdir={disk}/usr/work"
    kernel.mount("overlay", root / "usr", "overlay", options=layers + (",userxattr" if is_rootless else ""))
    kernel.mount("proc", root / "proc", "proc", _GUARDED | MountFlag.NO_EXECUTION)
    kernel.mount("tmpfs", root / "run", "tmpfs", _GUARDED, "mode=755")
    kernel.mount("tmpfs", root / "tmp", "tmpfs", _GUARDED, "mode=1777")
    _mount_system_information(root / "sys")
    _make_devices(root / "dev")
    (root / "run/lock").mkdir(mode=0o1777)
    for source in places:
        target = root / source.relative_to("/")
        if source.is_dir():
            target.mkdir(mode=0o755, parents=True, exist_ok=True)
        else:
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            target.touch()
        kernel.bind(source, target, is_read_only=True)
    kernel.change_root(root)


def _make_disk(disk: Path, root: Path, place: Place) -> None:
    (disk / "usr/work").mkdir(mode=0o755, parents=True)
    # Straight into the upper layer: in a user namespace the folders of the lower one are nobody's, and closed to us.
    wrapper = disk / "usr/upper" / WRAPPER.relative_to("/usr")
    wrapper.parent.mkdir(mode=0o755, parents=True)
    wrapper.write_bytes(wrapper_script())
    wrapper.chmod(0o755)
    root.mkdir(mode=0o755)
    for name in _EMPTY:
        (root / name).mkdir(mode=0o755)
    (root / "var/tmp").chmod(0o1777)
    # 0711, not 0700: where Python itself lies below /root, servers that have dropped root must still get there.
    (root / "root").mkdir(mode=0o711)
    for name, to in _OWN_LINKS.items():
        (root / name).symlink_to(to)
    for entry in Path("/").iterdir():
        if entry.is_symlink() and str(entry.readlink()).removeprefix("/").startswith("usr/"):
            (root / entry.name).symlink_to(entry.readlink())
    make_etc(root / "etc", place)


def _make_devices(dev: Path) -> None:
    kernel.mount("tmpfs", dev, "tmpfs", MountFlag.NO_SUID, "mode=755")
    for name in _DEVICES:
        (dev / name).touch()
        kernel.bind(Path("/dev") / name, dev / name)
    for name, to in _DEVICE_LINKS.items():
        (dev / name).symlink_to(to)
    (dev / "pts").mkdir()
    kernel.mount("devpts", dev / "pts", "devpts", MountFlag.NO_SUID, "newinstance,ptmxmode=0666,mode=620")
    (dev / "shm").mkdir()
    kernel.mount("tmpfs", dev / "shm", "tmpfs", _GUARDED, "mode=1777")


def _mount_system_information(sys_: Path) -> None:
    try:
        kernel.mount("sysfs", sys_, "sysfs", _GUARDED | MountFlag.NO_EXECUTION | MountFlag.READ_ONLY)
    except OSError as error:
        # Some kernels refuse it in a user namespace; nothing a host runs needs it.
        if error.errno not in {errno.EPERM, errno.EACCES}:
            raise


def clean_environment(home: str = "/root", terminal: str = "dumb") -> dict[str, str]:
    """What a program in a host finds in its environment: nothing of whoever started it."""
    return {"PATH": SEARCH_PATH, "HOME": home, "LANG": "C.UTF-8", "TERM": terminal}
