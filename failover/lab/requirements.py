"""The programs the lab runs, and the Debian packages that bring them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from failover.errors import ExitStatus, LabError

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A program, or a file given as a pattern of its absolute path, and the package that has it."""

    program: str
    package: str


PROGRAMS = (
    Requirement("ip", "iproute2"),
    Requirement("tc", "iproute2"),
    Requirement("nft", "nftables"),
    Requirement("nsenter", "util-linux"),
    Requirement("unshare", "util-linux"),
    Requirement("install", "coreutils"),
    Requirement("tar", "tar"),
    Requirement("pgrep", "procps"),
    Requirement("ssh", "openssh-client"),
    Requirement("sshd", "openssh-server"),
    Requirement("rsync", "rsync"),
    Requirement("mariadbd", "mariadb-server"),
    Requirement("mariadb-install-db", "mariadb-server"),
    Requirement("mariadb", "mariadb-client"),
    Requirement("named", "bind9"),
    Requirement("dig", "bind9-dnsutils"),
)
WITHOUT_ROOT = (Requirement("newuidmap", "uidmap"), Requirement("newgidmap", "uidmap"))
WRONG_CLOCK = (Requirement("/usr/lib/*/faketime/libfaketimeMT.so.1", "libfaketime"),)


def is_installed(program: str) -> bool:
    """Whether a program, or a file by its pattern, is on this machine."""
    if program.startswith("/"):
        return any(Path("/").glob(program.removeprefix("/")))
    return shutil.which(program, path=SEARCH_PATH) is not None


def missing(
    requirements: Sequence[Requirement], *, installed: Callable[[str], bool] = is_installed
) -> tuple[Requirement, ...]:
    """Those that are not there."""
    return tuple(requirement for requirement in requirements if not installed(requirement.program))


def require(requirements: Sequence[Requirement], *, installed: Callable[[str], bool] = is_installed) -> None:
    """See that all are there.

    Raises:
        LabError: with PROGRAM_MISSING; it names every missing program and the packages to install.
    """
    absent = missing(requirements, installed=installed)
    if absent:
        packages = " ".join(sorted({requirement.package for requirement in absent}))
        raise LabError(
            f"not installed: {', '.join(requirement.program for requirement in absent)}",
            hint=f"sudo apt-get install {packages}",
            exit_status=ExitStatus.PROGRAM_MISSING,
        )
