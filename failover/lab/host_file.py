"""Files for a host, many at once: a tar archive, made here and unpacked there, where the users have their numbers."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file to be; `owner` is USER or USER:GROUP. Without content it is a folder."""

    path: str
    content: bytes | None
    mode: int = 0o644
    owner: str = "root"


def folder(path: str, *, mode: int = 0o755, owner: str = "root") -> HostFile:
    """A folder to be."""
    return HostFile(path, None, mode, owner)


def archive(files: Iterable[HostFile]) -> bytes:
    """A tar archive of them, for `tar -x` in the host's /."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for file in files:
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.mode = file.mode
            user, _, group = file.owner.partition(":")
            entry.uname, entry.gname = user, group or user
            if file.content is None:
                entry.type = tarfile.DIRTYPE
                tar.addfile(entry)
            else:
                entry.size = len(file.content)
                tar.addfile(entry, io.BytesIO(file.content))
    return output.getvalue()
