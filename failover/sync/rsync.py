"""rsync as this project calls it: its words, its list, what its exit statuses mean. Pure.

Three kinds of run, all from the mirror's root, all with the same excludes:

* full: everything, recursive, with hard links;
* shallow: listed paths themselves; a listed directory that ends in `/` is compared with its direct content, which is
  how deletions travel. `--delete-missing-args` would be shorter, but releases of rsync that many distributions
  still ship abort on it, and both ends would have to be probed; reconciling the parent works everywhere;
* deep: listed directories with everything below.

`--modify-window=-1` is not a detail: without it rsync takes two times within one second for equal and skips a file
that was saved twice in that second with the same size (rsync(1)). `--ignore-errors` is never used: after a read error
nothing may be deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from failover.sync.rules import Excludes
from failover.system.remote import SshTarget

IO_TIMEOUT_SECONDS = 60
TARGET = "./"
"""The destination rsync is told. The receiving gate puts the mirror's path of its own configuration there."""


@dataclass(frozen=True, slots=True)
class Push:
    """Where a mirror goes, and by which right. `rsync_path` are the words that start the gate on the standby."""

    mirror: str
    root: Path
    excludes: Excludes
    deletes: bool
    epoch: int
    node: str
    ssh: SshTarget

    @property
    def gate_words(self) -> tuple[str, ...]:
        """The remote command, up to what tells its two uses apart."""
        return (
            "failover",
            "receive",
            "--mirror",
            self.mirror,
            "--epoch",
            str(self.epoch),
            "--from",
            self.node,
        )

    def agent_argv(self) -> tuple[str, ...]:
        """Opens the agent channel."""
        return self.ssh.ssh_argv(" ".join((*self.gate_words, "agent")))

    def full_argv(self) -> tuple[str, ...]:
        """The full pass. Reads nothing on stdin."""
        return (*self._head("--recursive"), "--hard-links", *self._tail())

    def shallow_argv(self, *, ignore_times: bool = False) -> tuple[str, ...]:
        """The listed paths themselves; the list is read from stdin, each path ended by a NUL.

        `ignore_times` compares content even where size and time are equal.
        """
        extra = ("--ignore-times",) if ignore_times else ()
        return (*self._head("--dirs"), "--hard-links", *extra, "--from0", "--files-from=-", *self._tail())

    def deep_argv(self) -> tuple[str, ...]:
        """The listed directories with all below; the list as for `shallow_argv`."""
        return (*self._head("--recursive"), "--hard-links", "--from0", "--files-from=-", *self._tail())

    def _head(self, depth: str) -> tuple[str, ...]:
        return (
            "rsync",
            "--no-secluded-args",  # the gate must see every word
            depth,
            "--links", "--perms", "--times", "--group", "--owner", "--devices", "--specials", "--acls", "--xattrs",
            "--sparse",
            "--numeric-ids",
            "--modify-window=-1",
            *(("--delete-delay", "--force") if self.deletes else ()),
            f"--timeout={IO_TIMEOUT_SECONDS}",
        )  # fmt: skip

    def _tail(self) -> tuple[str, ...]:
        host = f"[{self.ssh.host}]" if ":" in self.ssh.host else self.ssh.host
        return (
            *(f"--exclude={pattern}" for pattern in self.excludes.patterns),
            f"--rsync-path={' '.join((*self.gate_words, 'rsync'))}",
            f"--rsh={remote_shell(('ssh', *self.ssh.ssh_options()))}",
            "--",
            f"{self.root}/",
            f"{self.ssh.user}@{host}:{TARGET}",
        )


def remote_shell(words: Sequence[str]) -> str:
    """Words as rsync's --rsh takes them: split at spaces, a quote doubled inside its kind of quotes (rsync(1))."""
    return " ".join(_quote(word) for word in words)


def _quote(word: str) -> str:
    if word and not any(character in word for character in " \t'\""):
        return word
    return "'" + word.replace("'", "''") + "'"


def file_list(paths: Sequence[bytes]) -> bytes:
    """Paths for `--from0 --files-from=-`; the root is `.`."""
    return b"".join((path or b".") + b"\0" for path in paths)


class Outcome(Enum):
    """What an exit status means for the paths that were to be sent."""

    DONE = "done"
    PARTIAL = "partial"
    """Some were not sent or changed meanwhile; all of them stay dirty."""
    UNREACHABLE = "unreachable"
    """The connection or the other end; try again later, with growing pauses."""
    FAILED = "failed"
    """Something that waiting may or may not mend; treated like unreachable, but said as it is."""


_UNREACHABLE = frozenset({5, 10, 12, 30, 35, 255})

MEANINGS = {
    1: "syntax or usage error",
    2: "the two rsync versions do not fit together",
    3: "errors selecting files or directories",
    5: "could not start the exchange",
    10: "error in socket i/o",
    11: "error in file i/o: disk full, or not allowed to write",
    12: "the connection broke",
    13: "error in diagnostics",
    14: "error in interprocess communication",
    20: "interrupted",
    21: "waiting for a child failed",
    22: "out of memory",
    23: "some files could not be sent",
    24: "some files vanished while they were sent",
    25: "stopped at the limit of deletions",
    30: "no data within the time limit",
    35: "no connection within the time limit",
    127: "rsync or failover is not installed there",
    255: "ssh could not connect",
}


def judge(status: int) -> Outcome:
    """The outcome of an exit status; -N, killed by signal N, is a failure. Nothing here ends a daemon."""
    if status == 0:
        return Outcome.DONE
    if status in {23, 24}:
        return Outcome.PARTIAL
    return Outcome.UNREACHABLE if status in _UNREACHABLE else Outcome.FAILED


def describe(status: int, said: str) -> str:
    """One line: how rsync ended and the most telling thing it or ssh said."""
    if status < 0:
        meaning = f"killed by signal {-status}"
    else:
        meaning = f"{MEANINGS.get(status, 'unknown error')} (exit status {status})"
    lines = [
        line for line in said.splitlines() if line and not line.startswith(("rsync error:", "rsync warning:"))
    ]
    return f"rsync: {meaning}" + (f": {lines[0]}" if lines else "")
