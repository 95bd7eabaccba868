"""Reads a secret from where the settings say it is, at the moment it is used; it is never kept in the settings."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from failover.errors import SecretError
from failover.system.files import why_not_private

_LARGEST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A secret that does not print: its text is `***` in messages, logs and tracebacks."""

    _value: str

    def reveal(self) -> str:
        """The secret itself: hand it straight to what needs it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


def read_secret(reference: str, *, environment: Mapping[str, str]) -> Secret:
    """The secret that a reference leads to, without its line end.

    `file:PATH` is a file closed to all but its owner (a link is judged by what it leads to); `credential:NAME` a
    file below $CREDENTIALS_DIRECTORY (systemd.exec(5), LoadCredential=); `env:NAME` a variable, which every
    process started from here inherits: the least safe of the three.

    Raises:
        SecretError: it is missing, empty, not UTF-8, or could be read by others; never with the secret in it.
    """
    kind, _, name = reference.partition(":")
    match kind:
        case "file":
            value = _read_file(Path(name), reference)
        case "credential":
            value = _read_credential(name, reference, environment)
        case "env":
            value = _read_variable(name, environment)
        case _:
            # What was given instead may be the secret itself, so it is not repeated.
            raise SecretError(
                "this is no reference to a secret", hint="use file:/PATH, credential:NAME or env:NAME"
            )
    if not value:
        raise SecretError(f"secret {reference} is empty", hint="write the secret there, on one line")
    return Secret(value)


def _read_variable(name: str, environment: Mapping[str, str]) -> str:
    if name not in environment:
        raise SecretError(
            f"environment variable {name} is not set",
            hint=f"export {name}, or use file:/PATH in the configuration",
        )
    return environment[name].rstrip("\r\n")


def _read_credential(name: str, reference: str, environment: Mapping[str, str]) -> str:
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise SecretError(
            f"secret {reference} is only there for a service that systemd started",
            hint=f"add LoadCredential={name}:PATH to the unit, or use file:/PATH in the configuration",
        )
    return _read_file(Path(directory) / name, reference, is_credential=True)


def _read_file(path: Path, reference: str, *, is_credential: bool = False) -> str:
    """The file's text. What is checked is what is read: one open, so a link cannot be turned in between."""
    try:
        # O_NONBLOCK: opening a named pipe must not wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise SecretError(
            f"secret {reference}: there is no file {path}", hint=f"install -m 0600 /dev/stdin {path}"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise SecretError(
            f"secret {reference}: {path} cannot be read: {reason}", hint="run as root"
        ) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SecretError(f"secret {reference}: {path} is not a file", hint="name the file that holds it")
        why = _why_not_private(descriptor, is_credential=is_credential)
        if why:
            raise SecretError(f"secret {reference}: {path} {why}", hint=_remedy(path, why))
        content = os.read(descriptor, _LARGEST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > _LARGEST_BYTES:
        raise SecretError(
            f"secret {reference}: {path} is too large for a secret", hint="name the file that holds it"
        )
    try:
        return content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretError(
            f"secret {reference}: {path} is not UTF-8 text", hint="write the secret as text"
        ) from None


def _why_not_private(descriptor: int, *, is_credential: bool) -> str | None:
    # proc(5): following the link in /proc/self/fd leads to the open file itself, whatever its name leads to by now.
    reason = why_not_private(Path(f"/proc/self/fd/{descriptor}"))
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    if is_credential and reason and mode & 0o077 == 0o040 and "belongs" not in reason:
        # systemd lets a service's user in by an ACL, whose mask shows as a group's right to read (acl(5)).
        return None
    return reason


def _remedy(path: Path, reason: str) -> str:
    target = path.resolve()
    return f"chown root {target}; chmod 0600 {target}" if "belongs" in reason else f"chmod 0600 {target}"
