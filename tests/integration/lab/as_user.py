"""`python as_user.py USER WORD...`: run a program as a plain user who may read this Python and this checkout.

Either may lie below a folder that is closed to others (/root, a home). In a mount namespace of this process only, such
a folder is covered by an empty one that has nothing but those places in it.
"""

from __future__ import annotations

import os
import pwd
import sys
import tempfile
from pathlib import Path

import failover
from failover.lab import kernel
from failover.lab.kernel import Namespace

CHECKOUT = Path(failover.__file__).resolve().parent.parent


def closed_folder(place: Path) -> Path | None:
    """The outermost folder on the way to `place` that others may not pass."""
    for folder in reversed(place.parents):
        if not folder.stat().st_mode & 0o001:
            return folder
    return None


def open_up(places: list[Path]) -> None:
    closed = {place: folder for place in places if (folder := closed_folder(place)) is not None}
    kernel.unshare(Namespace.MOUNT)
    kernel.make_private()
    aside = Path(tempfile.mkdtemp())
    kernel.mount("tmpfs", aside, "tmpfs")
    for number, place in enumerate(closed):
        (aside / str(number)).mkdir()
        kernel.bind(place, aside / str(number))
    for folder in set(closed.values()):
        kernel.mount("tmpfs", folder, "tmpfs", options="mode=755")
    for number, place in enumerate(closed):
        place.mkdir(parents=True, exist_ok=True)
        kernel.bind(aside / str(number), place)
    kernel.detach(aside)
    aside.rmdir()


def main() -> None:
    user = pwd.getpwnam(sys.argv[1])
    open_up([Path(sys.prefix), Path(sys.base_prefix), CHECKOUT])
    os.chdir("/")
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    environment = {"PATH": "/usr/bin:/bin", "HOME": user.pw_dir, "LANG": "C.UTF-8"}
    if (mark := os.environ.get("FAILOVER_RUN")) is not None:
        environment["FAILOVER_RUN"] = mark  # so that .ci/leaves-nothing finds what is left behind
    os.execve(sys.argv[2], sys.argv[2:], environment)


if __name__ == "__main__":
    main()
