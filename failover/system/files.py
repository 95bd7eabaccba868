"""Files: the one way to replace one, the one way to append to one, and who may read one."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int = 0o644, durable: bool = True) -> None:
    """Write a file so that a reader, or a power cut, sees the old content or the new, never a part.

    Temporary file in the same directory, write, fsync, rename, fsync of the directory (rename(2), fsync(2)).
    `durable=False` leaves both fsyncs out, for files that a reboot makes worthless (below /run).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            if durable:
                os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_directory(path.parent)


def append_line(path: Path, line: bytes, *, mode: int = 0o600) -> None:
    """Append one line and fsync it: when this returns, the line survives a power cut."""
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, mode)
    try:
        data = line + b"\n"
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the directory's entries durable (fsync(2): a file's fsync does not cover its name)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def why_not_private(path: Path) -> str | None:
    """Why a secret file is not safe to read, or None if it is: owned by us or root, closed to group and other."""
    status = path.stat()
    if status.st_uid not in {0, os.geteuid()}:
        return f"belongs to user {status.st_uid}"
    if stat.S_IMODE(status.st_mode) & 0o077:
        return f"can be read by others (mode {stat.S_IMODE(status.st_mode):04o})"
    return None
