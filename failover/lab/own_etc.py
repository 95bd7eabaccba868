"""A host's own /etc: the machine's package defaults by a list of names, and what is the host's own, made anew.

A list of what comes along, not of what stays behind: the machine's /etc holds keys, passwords and people's names
under paths that nobody could list. Whatever others may not read stays behind in any case.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from failover.lab.topology import NAME_SERVERS, Place, hosts_file, place_of

PACKAGE_DEFAULTS = (
    "adduser.conf", "alternatives", "bash.bashrc", "bindresvport.blacklist", "ca-certificates.conf",
    "debian_version", "gai.conf", "host.conf", "inputrc", "issue", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
    "locale.alias", "login.defs", "magic", "magic.mime", "mime.types", "os-release", "pam.conf", "pam.d",
    "profile", "protocols", "rpc", "security", "services", "shells", "skel", "ssl/certs", "ssl/openssl.cnf", "terminfo",
)  # fmt: skip
"""What a host needs of the packages installed on the machine, below /etc."""

_NOBODY = 65534
_FIRST_PERSON = 1000
_SWITCH = """\
passwd: files
group: files
shadow: files
hosts: files dns
services: files
protocols: files
"""


def make_etc(target: Path, place: Place, *, source: Path = Path("/etc")) -> None:
    """Fill a host's /etc.

    Raises:
        OSError: no space, or the machine's own /etc/passwd cannot be read.
    """
    target.mkdir(mode=0o755, exist_ok=True)
    for name in PACKAGE_DEFAULTS:
        _copy(source, target, name)
    users = system_entries((source / "passwd").read_text("utf-8"))
    groups = system_entries((source / "group").read_text("utf-8"))
    own = {
        "passwd": as_users(users),
        "group": as_groups(groups),
        "hostname": f"{place.name}\n",
        "hosts": hosts_file(),
        "resolv.conf": "".join(f"nameserver {place_of(name).address}\n" for name in NAME_SERVERS)
        + "search example.test\noptions timeout:1 attempts:2\n",
        "nsswitch.conf": _SWITCH,
        "machine-id": f"{secrets.token_hex(16)}\n",
    }
    for name, text in own.items():
        (target / name).write_text(text, "utf-8")
    for name, entries in (("shadow", users), ("gshadow", groups)):
        _write_closed(target / name, as_locked(entries, is_shadow=name == "shadow"))
    (target / "mtab").symlink_to("/proc/self/mounts")


def system_entries(text: str) -> tuple[tuple[str, ...], ...]:
    """The entries of a passwd(5) or group(5) file that belong to packages: numbers below 1000, and nobody."""
    entries = (tuple(line.split(":")) for line in text.splitlines() if line.count(":") >= 3)
    return tuple(entry for entry in entries if entry[2].isdigit() and _is_of_a_package(int(entry[2])))


def as_users(entries: Iterable[tuple[str, ...]]) -> str:
    """A passwd(5) file; root gets the usual home and shell, whatever the machine's root has."""
    lines = []
    for entry in entries:
        if entry[2] == "0":
            lines.append("root:x:0:0:root:/root:/bin/bash")
        else:
            lines.append(":".join((entry[0], "x", *entry[2:])))
    return "\n".join(lines) + "\n"


def as_groups(entries: Iterable[tuple[str, ...]]) -> str:
    """A group(5) file without members: those are people."""
    return "".join(f"{entry[0]}:x:{entry[2]}:\n" for entry in entries)


def as_locked(entries: Iterable[tuple[str, ...]], *, is_shadow: bool) -> str:
    """A shadow(5) or gshadow(5) file in which nobody has a password. `*`, not `!`: sshd lets keys in only with `*`."""
    rest = ":*:20000:0:99999:7:::\n" if is_shadow else ":*::\n"
    return "".join(entry[0] + rest for entry in entries)


def is_for_everybody(path: Path) -> bool:
    """Whether others may read it: what they may not is a secret of the machine. Links are only names."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return True
    return (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) and bool(mode & stat.S_IROTH)


def _is_of_a_package(number: int) -> bool:
    return number < _FIRST_PERSON or number == _NOBODY


def _copy(source: Path, target: Path, name: str) -> None:
    path = source / name
    if not os.path.lexists(path) or not is_for_everybody(path):
        return
    to = target / name
    to.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if path.is_symlink():
        to.symlink_to(path.readlink())
    elif path.is_dir():
        to.mkdir(mode=0o755, exist_ok=True)
        for entry in sorted(path.iterdir()):
            _copy(source, target, f"{name}/{entry.name}")
    else:
        # Mode and content, not the owner: in a user namespace the machine's root is nobody.
        shutil.copyfile(path, to)
        to.chmod(stat.S_IMODE(path.stat().st_mode) & 0o755)


def _write_closed(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
