"""From what the authorities say to findings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from failover.config.settings import DnsSettings, RecordSettings
from failover.dns.matrix import Answer, Fault, Matrix, View
from failover.dns.model import RecordKey, same_values, show_values
from failover.dns.plan import register_key, wanted_record
from failover.dns.register import (
    Register,
    RegisterMalformed,
    RegisterMissing,
    RegisterNewer,
    parse_register,
)
from failover.model.codes import Code
from failover.model.finding import Finding, Severity


def judge(
    settings: DnsSettings,
    matrix: Matrix,
    expected: Register,
    node_addresses: Mapping[str, Iterable[str]] | None = None,
) -> tuple[Finding, ...]:
    """All findings about the names, the register and the authorities; one DNS_OK if there is nothing to say.

    Args:
        settings: The names and what each should be.
        matrix: What the authorities say under `keys_of(settings)`.
        expected: What the nodes believe: the epoch, and who is primary.
        node_addresses: Further addresses of each node, beside those in the records: a name server there dies with it.
    """
    findings = _judge_authorities(matrix)
    if not all(_is_deaf(view) for view in matrix.counted):
        for record in settings.records:
            findings += _judge_record(settings, record, matrix, expected.primary)
        findings += _judge_register(settings, matrix, expected)
    findings += _judge_places(settings, matrix, node_addresses or {})
    if findings:
        return tuple(findings)
    count = len({view.authority.name for view in matrix.counted})
    summary = f"every name points at {expected.primary}, as {count} name servers say"
    return (Finding(Code.DNS_OK, Severity.OK, summary, None, settings.zone),)


def _is_deaf(view: View) -> bool:
    """Whether it gave no answer at all."""
    return all(answer.fault is not None for _, answer in view.answers)


def _answers(matrix: Matrix, key: RecordKey) -> list[tuple[View, Answer]]:
    """What is known about `key`, with who said it."""
    said = [(view, answer) for view in matrix.counted for asked, answer in view.answers if asked == key]
    return [(view, answer) for view, answer in said if answer.fault is None]


def _judge_authorities(matrix: Matrix) -> list[Finding]:
    """Servers that do not answer: critical only if none does, because one of them is enough for visitors."""
    faulty = [view for view in matrix.counted if view.fault is not None]
    if all(_is_deaf(view) for view in matrix.counted):
        said = "; ".join(_fault(view) for view in faulty) or "the zone has none"
        return [Finding(Code.DNS_UNREACHABLE, Severity.UNKNOWN, f"no name server can be asked: {said}")]
    return [
        Finding(
            Code.DNS_NOT_AUTHORITATIVE if view.fault is Fault.REFUSED else Code.DNS_UNREACHABLE,
            Severity.WARNING,
            f"name server {view.authority.name} does not answer as it should: {_fault(view)}",
            "repair it, or take it out of the zone's NS records and the parent's",
            view.authority.name,
        )
        for view in faulty
    ]


def _fault(view: View) -> str:
    return next(answer.detail or str(answer.fault) for _, answer in view.answers if answer.fault is not None)


def _judge_record(
    settings: DnsSettings, record: RecordSettings, matrix: Matrix, primary: str
) -> list[Finding]:
    key = (record.name, record.type)
    subject = f"{record.name} {record.type}"
    said = _answers(matrix, key)
    if not said:
        return [_nobody_says(subject)]
    if len({show_values(answer.record) for _, answer in said}) > 1:
        return [_disagreement(subject, said)]
    found = said[0][1].record
    wanted = wanted_record(settings, record, primary)
    if not same_values(found, wanted):
        if found is None:
            summary = f"{subject} does not exist; {primary} is {show_values(wanted)}"
            return [Finding(Code.DNS_RECORD_MISSING, Severity.CRITICAL, summary, None, subject)]
        return [_wrong_address(settings, record, show_values(found), primary)]
    ttl = max((answer.record.ttl_seconds for _, answer in said if answer.record is not None), default=0)
    if ttl > settings.ttl_seconds:
        summary = (
            f"{subject} has a TTL of {ttl} s, not {settings.ttl_seconds} s: a move takes that much longer"
        )
        hint = "the next move sets it; to have it now: failover dns prepare"
        return [Finding(Code.DNS_TTL_HIGH, Severity.WARNING, summary, hint, subject)]
    return []


def _wrong_address(settings: DnsSettings, record: RecordSettings, found: str, primary: str) -> Finding:
    subject = f"{record.name} {record.type}"
    owners = [
        node for node in sorted(record.values) if show_values(wanted_record(settings, record, node)) == found
    ]
    whose = f"of {owners[0]}" if owners else "of neither node"
    wanted = show_values(wanted_record(settings, record, primary))
    summary = f"{subject} is {found}, {whose}; the primary {primary} is {wanted}"
    return Finding(Code.DNS_WRONG_ADDRESS, Severity.CRITICAL, summary, None, subject)


def _nobody_says(subject: str) -> Finding:
    summary = f"no name server says what {subject} is"
    return Finding(Code.DNS_UNREACHABLE, Severity.UNKNOWN, summary, None, subject)


def _disagreement(subject: str, said: list[tuple[View, Answer]]) -> Finding:
    each = ", ".join(f"{view.authority.name} says {show_values(answer.record)}" for view, answer in said)
    return Finding(
        Code.DNS_DISAGREES,
        Severity.CRITICAL,
        f"name servers disagree about {subject}: {each}",
        "a server that missed the change asks again after the SOA's refresh time; see its log for the transfer",
        subject,
    )


def _judge_register(settings: DnsSettings, matrix: Matrix, expected: Register) -> list[Finding]:
    owner = register_key(settings)
    said = _answers(matrix, owner)
    if not said:
        return [_nobody_says(f"{owner[0]} TXT")]
    if len({show_values(answer.record) for _, answer in said}) > 1:
        return [_disagreement(f"{owner[0]} TXT", said)]
    match parse_register(said[0][1].record):
        case Register() as register if register == expected:
            return []
        case Register() as register:
            code = Code.REGISTER_DISAGREES
            summary = f"the register says {register}; the nodes say {expected}"
            hint = "the higher epoch wins: look at both nodes (failover status) and rejoin the one that is behind"
        case RegisterMissing():
            code, summary = Code.REGISTER_MISSING, f"there is no register {owner[0]}"
            hint = "write it: failover init"
        case RegisterMalformed() as malformed:
            code, summary = Code.REGISTER_MALFORMED, f"{owner[0]} holds {malformed}"
            hint = "see who wrote it; the next move replaces it with --accept register-malformed"
        case RegisterNewer() as newer:
            code, summary = Code.REGISTER_NEWER, f"{owner[0]} holds {newer}: a newer failover has written it"
            hint = "install the same version of failover on every host"
    return [Finding(code, Severity.CRITICAL, summary, hint, owner[0])]


def _judge_places(
    settings: DnsSettings, matrix: Matrix, node_addresses: Mapping[str, Iterable[str]]
) -> list[Finding]:
    """Name servers that live on a node: with it, they are gone when they are needed most."""
    owners = {
        value: node
        for record in settings.records
        for node in record.values
        for value in wanted_record(settings, record, node).values
    }
    owners |= {address: node for node, addresses in node_addresses.items() for address in addresses}
    return [
        Finding(
            Code.DNS_SERVER_ON_NODE,
            Severity.WARNING,
            f"name server {view.authority.name} ({view.authority.address}) lives on {owners[view.authority.address]}",
            "let a name server elsewhere serve the zone: resolvers give out old answers when none can be reached",
            view.authority.name,
        )
        for view in matrix.views
        if view.authority.address in owners
    ]
