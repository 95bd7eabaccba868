"""From what the authority holds to what it shall hold: one update, or a refusal that names all surprises. Pure.

Every configured record and the register are in the update, changed or not, each with the value it must have now: so
the whole move happens to exactly the state that was looked at, or not at all.
"""

from __future__ import annotations

from collections.abc import Collection

from failover.config.settings import DnsSettings, RecordSettings
from failover.dns.faults import PlanRefusedError
from failover.dns.model import Change, RecordKey, Records, RecordSet, Update, same_values, show_values
from failover.dns.register import (
    Register,
    RegisterMalformed,
    RegisterMissing,
    RegisterNewer,
    RegisterState,
    parse_register,
    register_record,
)
from failover.model.codes import Code
from failover.model.finding import Finding, Severity


def keys_of(settings: DnsSettings) -> tuple[RecordKey, ...]:
    """Every name and type that failover owns, sorted: the moving records and the register."""
    return tuple(
        sorted({*((record.name, record.type) for record in settings.records), register_key(settings)})
    )


def register_key(settings: DnsSettings) -> RecordKey:
    """The register's name and type."""
    return settings.register_owner, "TXT"


def wanted_record(settings: DnsSettings, record: RecordSettings, node: str) -> RecordSet:
    """The record set that `record` is when `node` is primary."""
    return RecordSet(record.name, record.type, settings.ttl_seconds, frozenset(record.values[node]))


def wanted_records(settings: DnsSettings, register: Register) -> dict[RecordKey, RecordSet]:
    """Everything that failover owns in the zone, as `register` wants it."""
    wanted = [wanted_record(settings, record, register.primary) for record in settings.records]
    wanted.append(register_record(register, settings.register_owner, settings.ttl_seconds))
    return {record.key: record for record in wanted}


def is_done(settings: DnsSettings, current: Records, wanted: Register) -> bool:
    """Whether `current` is what `wanted` asks for. The TTL does not count: it does not decide where visitors go."""
    if parse_register(current.get(register_key(settings))) != wanted:
        return False
    records = (wanted_record(settings, record, wanted.primary) for record in settings.records)
    return all(same_values(current.get(record.key), record) for record in records)


def plan_move(
    settings: DnsSettings,
    current: Records,
    *,
    expected: Register,
    wanted: Register,
    accepted: Collection[Code] = (),
) -> Update:
    """The update that moves every name to `wanted.primary` and the register from `expected` to `wanted`.

    A register that is `wanted` already is taken for a move that was cut short, and the records are completed.

    Args:
        settings: The zone and the names.
        current: What the authority holds under `keys_of(settings)`; a key that is not there counts as absent.
        expected: What the register must say now.
        wanted: What it shall say.
        accepted: Codes of findings that shall not stand in the way: DNS_WRONG_ADDRESS, DNS_RECORD_MISSING,
            REGISTER_MISSING, REGISTER_MALFORMED.

    Raises:
        PlanRefusedError: the authority holds what nobody expected; all findings at once.
        ValueError: `wanted` is not a later epoch than `expected`.
    """
    if wanted.epoch <= expected.epoch:
        raise ValueError(f"epoch {wanted.epoch} does not come after epoch {expected.epoch}")
    owner = register_key(settings)
    problems = [_judge_register(parse_register(current.get(owner)), expected, wanted, owner[0])]
    problems += [_judge_record(record, current, settings) for record in settings.records]
    _refuse([finding for finding in problems if finding is not None], accepted)
    return _update(settings, current, wanted)


def plan_creation(
    settings: DnsSettings, current: Records, *, wanted: Register, accepted: Collection[Code] = ()
) -> Update:
    """The update for `failover init`: creates the register and every missing record, pointing at `wanted.primary`.

    A record that points anywhere else is a finding (DNS_WRONG_ADDRESS) and is overwritten only if that was accepted.
    A register that is not `wanted` already is never overwritten, unless it is malformed and that was accepted.

    Raises:
        PlanRefusedError: there is something else already; all findings at once.
    """
    owner = register_key(settings)
    problems = [_judge_new_register(parse_register(current.get(owner)), wanted, owner[0])]
    problems += [_judge_new_record(record, current, settings, wanted.primary) for record in settings.records]
    _refuse([finding for finding in problems if finding is not None], accepted)
    return _update(settings, current, wanted)


def plan_rehearsal(settings: DnsSettings, current: Records) -> Update | None:
    """An update that asks for what is there already: it proves the key, the clock and the policy, and changes nothing.

    None if nothing is there.
    """
    records = [record for key in keys_of(settings) if (record := current.get(key)) is not None]
    return Update(settings.zone, tuple(Change(record, record) for record in records)) if records else None


def _update(settings: DnsSettings, current: Records, wanted: Register) -> Update:
    after = wanted_records(settings, wanted)
    return Update(settings.zone, tuple(Change(current.get(key), after[key]) for key in keys_of(settings)))


_NEVER_ACCEPTED = frozenset({Code.REGISTER_NEWER, Code.REGISTER_DISAGREES})


def _refuse(findings: list[Finding], accepted: Collection[Code]) -> None:
    left = [found for found in findings if found.code not in accepted or found.code in _NEVER_ACCEPTED]
    if left:
        raise PlanRefusedError(tuple(left))


def _critical(code: Code, subject: str, summary: str, hint: str | None = None) -> Finding:
    return Finding(code, Severity.CRITICAL, summary, hint or f"if that is right: --accept {code}", subject)


def _judge_record(record: RecordSettings, current: Records, settings: DnsSettings) -> Finding | None:
    found = current.get((record.name, record.type))
    known = {node: wanted_record(settings, record, node) for node in record.values}
    if any(same_values(found, known_record) for known_record in known.values()):
        return None
    subject = f"{record.name} {record.type}"
    nodes = ", ".join(
        f"{node} is {show_values(known_record)}" for node, known_record in sorted(known.items())
    )
    if found is None:
        return _critical(Code.DNS_RECORD_MISSING, subject, f"{subject} does not exist; {nodes}")
    summary = f"{subject} is {show_values(found)}, which is neither node; {nodes}"
    return _critical(Code.DNS_WRONG_ADDRESS, subject, summary)


def _judge_new_record(
    record: RecordSettings, current: Records, settings: DnsSettings, primary: str
) -> Finding | None:
    found = current.get((record.name, record.type))
    wanted = wanted_record(settings, record, primary)
    if found is None or same_values(found, wanted):
        return None
    subject = f"{record.name} {record.type}"
    summary = f"{subject} is {show_values(found)}; {primary} is {show_values(wanted)}"
    return _critical(Code.DNS_WRONG_ADDRESS, subject, summary)


def _judge_register(state: RegisterState, expected: Register, wanted: Register, owner: str) -> Finding | None:
    if state in (expected, wanted):
        return None
    match state:
        case Register():
            return _critical(
                Code.REGISTER_DISAGREES,
                owner,
                f"the register {owner} says {state}; expected {expected}",
                "somebody else moved: look at both nodes (failover status) before you do anything",
            )
        case RegisterMissing():
            return _critical(
                Code.REGISTER_MISSING, owner, f"there is no register {owner}; expected {expected}"
            )
        case RegisterMalformed():
            return _critical(Code.REGISTER_MALFORMED, owner, f"{owner} holds {state}; expected {expected}")
        case RegisterNewer():
            return _newer(state, owner)


def _judge_new_register(state: RegisterState, wanted: Register, owner: str) -> Finding | None:
    match state:
        case RegisterMissing():
            return None
        case Register():
            if state == wanted:
                return None
            return _critical(
                Code.REGISTER_DISAGREES,
                owner,
                f"there is a register {owner} already: {state}",
                "a pair lives under this name: use its configuration, or delete the TXT record by hand",
            )
        case RegisterMalformed():
            return _critical(Code.REGISTER_MALFORMED, owner, f"{owner} holds {state}")
        case RegisterNewer():
            return _newer(state, owner)


def _newer(state: RegisterNewer, owner: str) -> Finding:
    return _critical(
        Code.REGISTER_NEWER,
        owner,
        f"{owner} holds {state}: a newer failover has written it",
        "install the same version of failover on every host",
    )
