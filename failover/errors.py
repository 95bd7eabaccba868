"""What can go wrong, as an operator meets it: a message, a hint and an exit status.

Every error that is meant to reach a person is a `FailoverError`. Only `failover.cli.main` and the daemon loops
turn one into text and an exit; everything between raises or handles, never both.
"""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a command's exit status means. Listed in docs/exit-statuses.md and never renumbered.

    `failover check` is the exception: it exits by the Nagios plug-in conventions (0 to 3).
    """

    DONE = 0
    FAILED = 1
    """It failed; whatever it had begun was undone, or nothing had begun."""
    USAGE = 2
    REFUSED = 3
    """The preflight found something that stands in the way; nothing was changed."""
    PARTIAL = 4
    """It stopped half-way and could not undo itself: a person has to look."""
    DNS_PENDING = 5
    """The service was moved, but not every name server agrees yet."""
    LOCKED = 6
    """Another switchover holds the lock."""
    NO_CONFIGURATION = 10
    BAD_CONFIGURATION = 11
    UNKNOWN_NODE = 12
    UNREADABLE_SECRET = 13
    NO_NAMESPACES = 14
    """The kernel does not let this user make the lab's namespaces."""
    PROGRAM_MISSING = 15
    DNS_REFUSED = 16
    """The name server answered and would not do it."""
    NODE_UNREACHABLE = 17
    ROLE_UNKNOWN = 18
    ALREADY_PRIMARY = 19
    DATABASE_FAILED = 20
    MIRROR_FAILED = 21
    LAB_FAILED = 22
    DNS_UNREACHABLE = 23
    """No name server answered."""
    INTERRUPTED = 130


class FailoverError(Exception):
    """An error made for a person: what failed and on what, what to do next, how the command exits.

    `message` is lower-case and without a full stop; `hint` is a sentence or a command to type, or None.
    """

    exit_status = ExitStatus.FAILED

    def __init__(
        self, message: str, *, hint: str | None = None, exit_status: ExitStatus | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if exit_status is not None:
            self.exit_status = exit_status


class UsageError(FailoverError):
    """The command line asks for something that makes no sense."""

    exit_status = ExitStatus.USAGE


class ConfigurationError(FailoverError):
    """The configuration is missing or wrong; the message lists every problem, one a line, each with its place."""

    exit_status = ExitStatus.BAD_CONFIGURATION


class SecretError(FailoverError):
    """A secret cannot be read, or could be read by others."""

    exit_status = ExitStatus.UNREADABLE_SECRET


class ProgramError(FailoverError):
    """A program ended badly, or is not installed (then with ExitStatus.PROGRAM_MISSING)."""


class UnreachableError(FailoverError):
    """A node does not answer."""

    exit_status = ExitStatus.NODE_UNREACHABLE


class DeadlineError(FailoverError):
    """Something was not done within its time limit."""


class DatabaseError(FailoverError):
    """A database server refused an order, or its answer does not prove what it should."""

    exit_status = ExitStatus.DATABASE_FAILED


class DnsError(FailoverError):
    """A name server refused a question or an update."""

    exit_status = ExitStatus.DNS_REFUSED


class MirrorError(FailoverError):
    """The mirror cannot go on, or must not."""

    exit_status = ExitStatus.MIRROR_FAILED


class SwitchoverError(FailoverError):
    """A switchover was refused or stopped."""


class LabError(FailoverError):
    """The lab cannot be made on this machine, or one of its hosts or servers did not come up."""

    exit_status = ExitStatus.LAB_FAILED
