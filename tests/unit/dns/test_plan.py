from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.config.settings import DnsServerSettings, DnsSettings, RecordSettings, TsigSettings
from failover.dns.faults import PlanRefusedError, PrerequisiteError
from failover.dns.model import RecordKey, Records, RecordSet
from failover.dns.plan import (
    is_done,
    keys_of,
    plan_creation,
    plan_move,
    plan_rehearsal,
    register_key,
    wanted_records,
)
from failover.dns.register import Register, register_record
from failover.errors import ExitStatus
from failover.model.codes import Code
from tests.fakes.dns import FakeDnsProvider

NOW, NEXT = Register(5, "alpha"), Register(6, "bravo")
ACCEPTABLE = [
    Code.DNS_WRONG_ADDRESS,
    Code.DNS_RECORD_MISSING,
    Code.REGISTER_MISSING,
    Code.REGISTER_MALFORMED,
    Code.REGISTER_NEWER,
    Code.REGISTER_DISAGREES,
]
FOREIGN = RecordSet("example.test.", "MX", 300, frozenset({"10 mail.example.test."}))


def pair(
    ttl_seconds: int = 60, names: tuple[str, ...] = ("example.test.", "www.example.test.")
) -> DnsSettings:
    return DnsSettings(
        zone="example.test.",
        servers=(DnsServerSettings(address="127.0.0.1"),),
        tsig=TsigSettings(name="failover.", secret="env:UNUSED"),
        ttl_seconds=ttl_seconds,
        records=tuple(
            RecordSettings(
                name=name, type="A", values={"alpha": ("10.77.0.11",), "bravo": ("10.77.0.12", "10.77.0.13")}
            )
            for name in names
        ),
    )


def address_sets(name: str) -> st.SearchStrategy[RecordSet | None]:
    values = st.frozensets(st.sampled_from([f"10.77.0.{last}" for last in range(11, 15)]), min_size=1)
    return st.none() | st.builds(RecordSet, st.just(name), st.just("A"), st.integers(1, 7200), values)


def registers(owner: str) -> st.SearchStrategy[RecordSet | None]:
    known = st.builds(Register, st.integers(4, 7), st.sampled_from(["alpha", "bravo"]))
    texts = st.sampled_from(['"v=failover2"', '"v=failover1 epoch=x"', '"v=spf1 -all"', ""])
    return (
        st.none()
        | known.map(lambda register: register_record(register, owner, 60))
        | st.builds(
            RecordSet, st.just(owner), st.just("TXT"), st.integers(1, 7200), st.frozensets(texts, min_size=1)
        )
    )


@st.composite
def states(draw: st.DrawFn) -> tuple[DnsSettings, dict[RecordKey, RecordSet | None]]:
    settings = pair(draw(st.integers(1, 3600)))
    owner = register_key(settings)
    current: dict[RecordKey, RecordSet | None] = {owner: draw(registers(owner[0]))}
    for record in settings.records:
        current[record.name, record.type] = draw(address_sets(record.name))
    return settings, current


def provider_with(current: Records) -> FakeDnsProvider:
    return FakeDnsProvider([FOREIGN, *(record for record in current.values() if record is not None)])


@given(states(), st.sets(st.sampled_from(ACCEPTABLE)), st.booleans())
def test_any_state_is_refused_or_becomes_the_wanted_one(
    state: tuple[DnsSettings, dict[RecordKey, RecordSet | None]], accepted: set[Code], is_creation: bool
) -> None:
    settings, current = state
    provider = provider_with(current)

    def plan_from(found: Records) -> None:
        if is_creation:
            provider.apply(plan_creation(settings, found, wanted=NEXT, accepted=accepted))
        else:
            provider.apply(plan_move(settings, found, expected=NOW, wanted=NEXT, accepted=accepted))

    try:
        plan_from(current)
    except PlanRefusedError as error:
        refused = {finding.code for finding in error.findings}
    else:
        refused = set()
    if refused:
        assert not (refused & accepted) - {Code.REGISTER_NEWER, Code.REGISTER_DISAGREES}
        assert not provider.updates
        return

    after = provider.read(keys_of(settings))
    assert after == wanted_records(settings, NEXT)
    assert is_done(settings, after, NEXT)
    plan_from(after)
    assert provider.read(keys_of(settings)) == after
    assert provider.read([FOREIGN.key]) == {FOREIGN.key: FOREIGN}
    assert {key for update in provider.updates for key in update.keys} <= set(keys_of(settings))


@given(states())
def test_a_plan_acts_on_the_state_it_was_made_for_and_on_no_other(
    state: tuple[DnsSettings, dict[RecordKey, RecordSet | None]],
) -> None:
    settings, present = state
    update = plan_move(settings, wanted_records(settings, NOW), expected=NOW, wanted=NEXT)
    provider = provider_with(present)

    if update.is_possible_in(present):
        provider.apply(update)
        assert provider.read(keys_of(settings)) == wanted_records(settings, NEXT)
    else:
        with pytest.raises(PrerequisiteError, match="nothing was changed"):
            provider.apply(update)
        assert provider.read(keys_of(settings)) == present


def move(settings: DnsSettings, current: Records, *accepted: Code) -> tuple[str, ...]:
    return plan_move(settings, current, expected=NOW, wanted=NEXT, accepted=accepted).lines


def findings(settings: DnsSettings, current: Records, *accepted: Code) -> dict[Code, str]:
    with pytest.raises(PlanRefusedError) as caught:
        move(settings, current, *accepted)
    assert caught.value.exit_status is ExitStatus.REFUSED
    return {finding.code: finding.summary for finding in caught.value.findings}


def test_a_move_is_one_line_a_name_sorted() -> None:
    settings = pair()

    assert move(settings, wanted_records(settings, NOW)) == (
        '_failover.example.test. TXT  "v=failover1 epoch=5 primary=alpha" → "v=failover1 epoch=6 primary=bravo"',
        "example.test. A  10.77.0.11 → 10.77.0.12, 10.77.0.13",
        "www.example.test. A  10.77.0.11 → 10.77.0.12, 10.77.0.13",
    )


def test_addresses_written_differently_are_the_same(settings: DnsSettings) -> None:
    current = dict(wanted_records(settings, NOW))
    key = ("www.example.test.", "AAAA")
    current[key] = RecordSet(*key, 60, frozenset({"fd77::11"}))

    assert "www.example.test. AAAA  fd77::11 → fd77::12" in move(settings, current)


def test_a_foreign_address_is_refused_with_both_values_and_the_override() -> None:
    settings = pair()
    current = dict(wanted_records(settings, NOW))
    current["www.example.test.", "A"] = RecordSet("www.example.test.", "A", 60, frozenset({"192.0.2.7"}))

    found = findings(settings, current)

    assert found == {
        Code.DNS_WRONG_ADDRESS: "www.example.test. A is 192.0.2.7, which is neither node; "
        "alpha is 10.77.0.11, bravo is 10.77.0.12, 10.77.0.13"
    }
    with pytest.raises(PlanRefusedError) as caught:
        move(settings, current)
    assert caught.value.hint == "if that is right: --accept dns-wrong-address"
    assert "www.example.test. A  192.0.2.7 → 10.77.0.12, 10.77.0.13" in move(
        settings, current, Code.DNS_WRONG_ADDRESS
    )


def test_both_nodes_addresses_at_once_belong_to_neither() -> None:
    settings = pair()
    current = dict(wanted_records(settings, NOW))
    both = frozenset({"10.77.0.11", "10.77.0.12", "10.77.0.13"})
    current["www.example.test.", "A"] = RecordSet("www.example.test.", "A", 60, both)

    assert set(findings(settings, current)) == {Code.DNS_WRONG_ADDRESS}


def test_another_epoch_means_that_somebody_else_moved_and_cannot_be_accepted() -> None:
    settings = pair()
    current = wanted_records(settings, Register(6, "alpha"))

    found = findings(settings, current, *ACCEPTABLE)

    assert found == {
        Code.REGISTER_DISAGREES: "the register _failover.example.test. says epoch 6, primary alpha; "
        "expected epoch 5, primary alpha"
    }


def test_all_surprises_are_told_at_once() -> None:
    settings = pair()
    strange = RecordSet("www.example.test.", "A", 60, frozenset({"192.0.2.7"}))

    assert set(findings(settings, {strange.key: strange})) == {
        Code.DNS_WRONG_ADDRESS,
        Code.DNS_RECORD_MISSING,
        Code.REGISTER_MISSING,
    }


def test_a_move_that_was_cut_short_is_completed() -> None:
    settings = pair()
    current = {
        **wanted_records(settings, NOW),
        register_key(settings): wanted_records(settings, NEXT)[register_key(settings)],
    }

    lines = move(settings, current)

    assert not is_done(settings, current, NEXT)
    assert lines[0].endswith("(unchanged)")
    assert lines[1] == "example.test. A  10.77.0.11 → 10.77.0.12, 10.77.0.13"


def test_an_epoch_that_does_not_grow_is_a_mistake_of_the_caller() -> None:
    settings = pair()

    with pytest.raises(ValueError, match="does not come after"):
        plan_move(settings, wanted_records(settings, NOW), expected=NOW, wanted=Register(5, "bravo"))


def test_a_creation_makes_what_is_missing_and_keeps_what_is_right() -> None:
    settings = pair()
    first = Register(1, "alpha")
    present = RecordSet("www.example.test.", "A", 3600, frozenset({"10.77.0.11"}))

    assert plan_creation(settings, {present.key: present}, wanted=first).lines == (
        '_failover.example.test. TXT  (none) → "v=failover1 epoch=1 primary=alpha"',
        "example.test. A  (none) → 10.77.0.11",
        "www.example.test. A  10.77.0.11 (ttl 3600 → 60)",
    )


def test_a_creation_does_not_take_over_a_name_that_points_elsewhere() -> None:
    settings = pair()
    standby = wanted_records(settings, Register(1, "bravo"))[("www.example.test.", "A")]

    with pytest.raises(PlanRefusedError, match=r"10\.77\.0\.12, 10\.77\.0\.13; alpha is 10\.77\.0\.11"):
        plan_creation(settings, {standby.key: standby}, wanted=Register(1, "alpha"))


def test_a_creation_never_takes_over_another_pairs_register() -> None:
    settings = pair()

    with pytest.raises(PlanRefusedError, match="already: epoch 5"):
        plan_creation(
            settings, wanted_records(settings, NOW), wanted=Register(1, "alpha"), accepted=ACCEPTABLE
        )


def test_a_rehearsal_asks_for_what_is_there() -> None:
    settings = pair()
    current = wanted_records(settings, NOW)

    rehearsal = plan_rehearsal(settings, current)

    assert rehearsal is not None
    assert rehearsal.is_possible_in(current)
    assert rehearsal.is_applied_in(current)
    assert plan_rehearsal(settings, {}) is None
