"""What concerns a whole file system, and which boot of the machine this is."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path


def sync_file_system(path: Path) -> None:
    """Make everything written so far to the file system that holds `path` durable (syncfs(2)).

    Raises:
        OSError: it could not be written, or the path cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _libc().syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)


def boot_id() -> str:
    """A text that changes at every boot (proc(5)); empty where the kernel gives none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
