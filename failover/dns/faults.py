"""How a name server can fail, each way with its own sentence and hint. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from failover.dns.model import Records, Update, same_values, show_values
from failover.errors import DnsError, ExitStatus
from failover.model.finding import Finding


class Refusal(Enum):
    """Why a server that answers would not do it: the sentence after the server's name, and the hint."""

    NOT_ALLOWED = (
        "refuses: the key may not do this",
        "allow the key each name in the zone's update policy (BIND: grant KEY name NAME A AAAA TXT;)",
    )
    NOT_ANSWERING = (
        "refuses to answer",
        "let this host ask about the zone (BIND: allow-query)",
    )
    NOT_AUTHORITATIVE = (
        "is not authoritative for the zone",
        "check dns.zone, and that dns.servers names the zone's primary server",
    )
    BAD_KEY = (
        "does not know the key",
        "check dns.tsig.name and dns.tsig.algorithm against the key in the server's configuration",
    )
    BAD_SIGNATURE = (
        "does not accept the signature",
        "the secret here and the server's differ: compare dns.tsig.secret with the server's key",
    )
    UNSIGNED = (
        "gave an answer without a valid signature",
        "something between here and the server answers in its place, or the server does not know TSIG",
    )
    BAD_TIME = (
        "refuses the signature's time: one of the two clocks is wrong",
        "check the clock and NTP here and on the name server (timedatectl); they may differ by 300 s",
    )
    FAILED = (
        "failed (SERVFAIL)",
        "see the name server's log; often its zone or journal file cannot be written",
    )
    MALFORMED = (
        "calls the message malformed (FORMERR)",
        "report this, with the name server's kind and version",
    )
    NOT_IMPLEMENTED = (
        "does not take DNS updates (NOTIMP)",
        "switch dynamic updates on at the server, or name another one in dns.servers",
    )
    ALIAS = (
        "says that the name is an alias (CNAME)",
        "give the name its own address records, or move the name it points at",
    )
    OTHER = ("answers with an unexpected status", "see the name server's log")


class ServerRefusalError(DnsError):
    """A server answered and would not; nothing was changed. `refusal` says why."""

    def __init__(self, refusal: Refusal, server: str, about: str) -> None:
        sentence, hint = refusal.value
        super().__init__(f"name server {server} {sentence}: {about}", hint=hint)
        self.refusal = refusal
        self.server = server


class DnsUnreachableError(DnsError):
    """No server took the question; nothing was changed."""

    exit_status = ExitStatus.DNS_UNREACHABLE

    def __init__(self, failures: Iterable[str]) -> None:
        super().__init__(
            f"no name server answers: {'; '.join(failures)}",
            hint="check that the servers in dns.servers run and that TCP port 53 reaches them",
        )


class LostReplyError(DnsError):
    """An update was sent and no reply came: it may have been done, and may still be done later."""

    exit_status = ExitStatus.DNS_UNREACHABLE

    def __init__(self, update: Update, failures: Iterable[str]) -> None:
        super().__init__(
            f"no reply to the update of {update.zone}, it is not known whether it was done: {'; '.join(failures)}",
            hint="read the register before anything else (failover dns show);"
            " for 300 s the server may still do it, if nothing else was changed",
        )


class PrerequisiteError(DnsError):
    """A record was not what the plan expected: somebody else changed it. Nothing was changed.

    `found` is what a later reading showed, None if there was none. `is_wanted_there` tells that it is already what
    the update wanted: somebody else made the same move.
    """

    def __init__(self, update: Update, found: Records | None) -> None:
        self.update = update
        self.found = found
        self.is_wanted_there = found is not None and update.is_applied_in(found)
        if found is None:
            message = "a record is not what was expected, and reading it again failed"
        elif update.is_possible_in(found):
            message = (
                "a record was not what was expected, though it reads so now (or it comes from a wildcard)"
            )
        else:
            message = "; ".join(
                f"{change.key[0]} {change.key[1]} is {show_values(found.get(change.key))}, "
                f"expected {show_values(change.before)}"
                for change in update.changes
                if not same_values(change.before, found.get(change.key))
            )
        super().__init__(
            f"nothing was changed in {update.zone}: {message}",
            hint="somebody else changed it: look (failover dns show), then plan again",
        )


class PlanRefusedError(DnsError):
    """The authority holds something that the plan did not expect; `findings` lists all of it."""

    exit_status = ExitStatus.REFUSED

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(
            "; ".join(finding.summary for finding in findings),
            hint="\n".join(dict.fromkeys(finding.hint for finding in findings if finding.hint)) or None,
        )
        self.findings = findings


class NotSentError(DnsError):
    """One server could not be connected to: the question was not even asked."""

    exit_status = ExitStatus.DNS_UNREACHABLE

    def __init__(self, message: str, *, is_unroutable: bool = False) -> None:
        super().__init__(message)
        self.is_unroutable = is_unroutable


class NoReplyError(DnsError):
    """One server was sent the question, or a part of it, and did not answer in time."""

    exit_status = ExitStatus.DNS_UNREACHABLE
