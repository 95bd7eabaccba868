"""The few Linux calls that make a host out of processes, thinly bound. Python has unshare and setns only from 3.12."""

from __future__ import annotations

import ctypes
import os
from enum import IntFlag
from pathlib import Path


class Namespace(IntFlag):
    """What a process can have for itself (clone(2))."""

    MOUNT = 0x00020000
    NAMES = 0x04000000
    """Host name (UTS)."""
    MESSAGES = 0x08000000
    """System V and POSIX message queues (IPC)."""
    PROCESSES = 0x20000000
    """Only of the children: the first becomes their pid 1."""
    NETWORK = 0x40000000


class MountFlag(IntFlag):
    """How a file system is mounted (mount(2))."""

    READ_ONLY = 1
    NO_SUID = 2
    NO_DEVICES = 4
    NO_EXECUTION = 8
    REMOUNT = 32
    NO_ACCESS_TIME = 1024
    NO_DIRECTORY_ACCESS_TIME = 2048
    BIND = 4096
    RECURSIVE = 16384
    PRIVATE = 1 << 18
    RELATIVE_ACCESS_TIME = 1 << 21


_PLAIN = MountFlag(0)
_DETACH = 2
_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
_LOCKED = (
    (os.ST_NOSUID, MountFlag.NO_SUID),
    (os.ST_NODEV, MountFlag.NO_DEVICES),
    (os.ST_NOEXEC, MountFlag.NO_EXECUTION),
    (os.ST_NOATIME, MountFlag.NO_ACCESS_TIME),
    (os.ST_NODIRATIME, MountFlag.NO_DIRECTORY_ACCESS_TIME),
    (os.ST_RELATIME, MountFlag.RELATIVE_ACCESS_TIME),
)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)
_libc.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)
_libc.pivot_root.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
_libc.sethostname.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
_libc.prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)


def unshare(namespaces: Namespace) -> None:
    """Leave the shared namespaces for new ones (unshare(2)).

    Raises:
        OSError: EPERM where this user may not.
    """
    _check(_libc.unshare(int(namespaces)), "unshare")


def mount(source: str, target: Path, kind: str, flags: MountFlag = _PLAIN, options: str = "") -> None:
    """Mount a file system (mount(2)).

    Raises:
        OSError: the kernel would not; its file name is the target.
    """
    done = _libc.mount(
        source.encode(), os.fsencode(target), kind.encode(), int(flags), options.encode() or None
    )
    _check(done, str(target))


def make_private() -> None:
    """Let no mount made from now on be seen outside this mount namespace, nor the other way round."""
    mount("none", Path("/"), "none", MountFlag.RECURSIVE | MountFlag.PRIVATE)


def bind(source: Path, target: Path, *, is_read_only: bool = False) -> None:
    """Show a file or a directory, with what is mounted below it, at another place as well.

    Raises:
        OSError: as `mount`.
    """
    mount(str(source), target, "none", MountFlag.BIND | MountFlag.RECURSIVE)
    if is_read_only:
        # In a user namespace flags set from outside are locked: a remount has to repeat them (mount_namespaces(7)).
        present = os.statvfs(target).f_flag
        kept = MountFlag(0)
        for number, flag in _LOCKED:
            if present & number:
                kept |= flag
        mount("none", target, "none", MountFlag.REMOUNT | MountFlag.BIND | MountFlag.READ_ONLY | kept)


def detach(target: Path) -> None:
    """Take a mount, and all below it, out of sight; it ends when nobody uses it any more (umount2(2), MNT_DETACH).

    Raises:
        OSError: nothing is mounted there.
    """
    _check(_libc.umount2(os.fsencode(target), _DETACH), str(target))


def change_root(root: Path) -> None:
    """Make `root`, a mount point, the root of this mount namespace, and let go of the old one (pivot_root(2)).

    Raises:
        OSError: it is not a mount point.
    """
    os.chdir(root)
    # Old and new root at one place: the old one then lies on top, and is the one that is taken off.
    _check(_libc.pivot_root(b".", b"."), str(root))
    detach(Path())
    os.chdir("/")


def set_host_name(name: str) -> None:
    """Set the host name of this namespace (sethostname(2))."""
    encoded = name.encode()
    _check(_libc.sethostname(encoded, len(encoded)), "sethostname")


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process a signal when its parent ends (prctl(2), PR_SET_PDEATHSIG).

    It says nothing of a parent that is gone already: whoever calls this has to look for that afterwards.
    """
    _check(_libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal_number, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Become the parent of descendants whose parent has ended (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    _check(_libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def _check(done: int, what: str) -> None:
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
