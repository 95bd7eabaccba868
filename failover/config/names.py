"""What a name, a path, a pattern in the configuration may look like. Pure; each check raises ValueError."""

from __future__ import annotations

import re
from pathlib import Path

_NODE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_SECRET = re.compile(r"(file:/.+|credential:[A-Za-z0-9._-]+|env:[A-Za-z_][A-Za-z0-9_]*)")
_ADDRESS = re.compile(r"[A-Za-z0-9:_][A-Za-z0-9.:_-]{0,252}(%[A-Za-z0-9._-]{1,15})?")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,79}")
_NEVER_MIRRORED = frozenset(
    map(
        Path,
        ("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin"),
    )
) | frozenset(map(Path, ("/sys", "/tmp", "/usr", "/var", "/var/lib", "/var/lib/mysql", "/var/log")))  # noqa: S108 - named to be refused


def check_node_name(name: str) -> str:
    """A node's or a mirror's name: a lower-case host label, so that it fits DNS, file names and the register."""
    if not _NODE.fullmatch(name):
        raise ValueError("use lower-case letters, digits and -, at most 63")
    return name


def check_domain_name(name: str) -> str:
    """An absolute domain name in lower case with its last dot (RFC 1035 section 2.3.4 for the lengths)."""
    absolute = name.lower().removesuffix(".") + "."
    if len(absolute) > 254 or not all(_LABEL.fullmatch(label) for label in absolute[:-1].split(".")):
        raise ValueError("is not a domain name")
    return absolute


def check_address(address: str) -> str:
    """An IP address or a host name. Never one that starts with `-`: ssh and rsync would take it for an option."""
    if not _ADDRESS.fullmatch(address):
        raise ValueError("is not an address or a host name")
    return address


def check_user_name(name: str) -> str:
    """A user's name on a node or in its database; never one that a program would take for an option."""
    if not _USER.fullmatch(name):
        raise ValueError("is not a user name")
    return name


def check_absolute_path(path: Path) -> Path:
    """A path that means the same wherever a command is started."""
    if not path.is_absolute():
        raise ValueError("give an absolute path")
    return path


def check_mirror_path(path: Path) -> Path:
    """An absolute path that is safe to keep equal, deletes included: no system directory, no `..`."""
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError("give an absolute path without ..")
    if path in _NEVER_MIRRORED:
        raise ValueError(f"{path} is not a tree to mirror: name a directory of your sites' own")
    return path


def check_exclude(pattern: str) -> str:
    """An rsync exclude pattern; rsync's modifiers and line ends have no place in one."""
    if not pattern or "\n" in pattern or "\0" in pattern:
        raise ValueError("is not a pattern")
    return pattern


def check_secret_reference(reference: str) -> str:
    """Where a secret is, never the secret: the message does not repeat what was given, it may be a password."""
    if not _SECRET.fullmatch(reference):
        raise ValueError("say where the secret is: file:/PATH, credential:NAME or env:NAME")
    return reference
