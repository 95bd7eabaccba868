"""Between record sets and DNS messages. Pure; dnspython knows the format, this file knows what failover asks."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.update

from failover.dns.faults import Refusal, ServerRefusalError
from failover.dns.model import RecordKey, RecordSet, Update

_EDNS_PAYLOAD_BYTES = 1232  # what the DNS operators agreed on in 2020: it fits every path without fragments

_REFUSALS = {
    dns.rcode.REFUSED: Refusal.NOT_ALLOWED,
    dns.rcode.NOTAUTH: Refusal.NOT_AUTHORITATIVE,
    dns.rcode.NOTZONE: Refusal.NOT_AUTHORITATIVE,
    dns.rcode.SERVFAIL: Refusal.FAILED,
    dns.rcode.FORMERR: Refusal.MALFORMED,
    dns.rcode.NOTIMP: Refusal.NOT_IMPLEMENTED,
}
PREREQUISITE_FAILED = frozenset(
    {dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN}
)
"""What a server answers to an update whose prerequisites do not hold (RFC 2136 section 3.2)."""


def make_question(key: RecordKey) -> dns.message.QueryMessage:
    """A question to an authority: recursion not desired."""
    return dns.message.make_query(key[0], key[1], flags=0, payload=_EDNS_PAYLOAD_BYTES)


def make_update(update: Update) -> dns.update.UpdateMessage:
    """One UPDATE message: every `before` as a prerequisite, every `after` as a replacement (RFC 2136 section 2).

    A prerequisite that carries a TTL is malformed (section 2.4), so values go in as text, without their record set.
    """
    message = dns.update.UpdateMessage(update.zone)
    for change in update.changes:
        name, type_ = dns.name.from_text(change.key[0]), change.key[1]
        if change.before is None:
            message.absent(name, type_)
            # Beside an alias an added record is ignored without a word (section 3.4.2.2).
            message.absent(name, "CNAME")
        else:
            message.present(name, type_, *sorted(change.before.values))
        if change.after is None:
            message.delete(name, type_)
        else:
            message.replace(name, change.after.ttl_seconds, type_, *sorted(change.after.values))
    return message


def refusal_of(rcode: int) -> Refusal:
    """Why a server answers with that status, which is none of NOERROR and PREREQUISITE_FAILED."""
    return _REFUSALS.get(dns.rcode.Rcode(rcode), Refusal.OTHER)


def record_in(reply: dns.message.Message, key: RecordKey, server: str) -> RecordSet | None:
    """The record set that an authority's reply gives for `key`, None if it says that there is none.

    Raises:
        ServerRefusalError: the server will not answer, is not an authority, or the name is an alias.
    """
    about = f"{key[0]} {key[1]}"
    if reply.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        refusal = refusal_of(reply.rcode())
        if refusal is Refusal.NOT_ALLOWED:
            refusal = Refusal.NOT_ANSWERING
        raise ServerRefusalError(refusal, server, f"{about} ({dns.rcode.to_text(reply.rcode())})")
    if not reply.flags & dns.flags.AA:
        raise ServerRefusalError(Refusal.NOT_AUTHORITATIVE, server, about)
    if key[1] != "CNAME" and _record(reply.answer, (key[0], "CNAME")) is not None:
        raise ServerRefusalError(Refusal.ALIAS, server, about)
    return _record(reply.answer, key)


def glue_in(reply: dns.message.Message, key: RecordKey) -> RecordSet | None:
    """What a reply holds for `key` anywhere: as its answer, or beside another one. For finding servers only."""
    return _record([*reply.answer, *reply.additional], key)


def _record(section: list[dns.rrset.RRset], key: RecordKey) -> RecordSet | None:
    name, type_ = dns.name.from_text(key[0]), dns.rdatatype.from_text(key[1])
    for rrset in section:
        if rrset.name == name and rrset.rdtype == type_:
            return RecordSet(key[0], key[1], rrset.ttl, frozenset(rdata.to_text() for rdata in rrset))
    return None
