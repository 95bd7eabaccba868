from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.dns.model import RecordSet
from failover.dns.register import (
    Register,
    RegisterMalformed,
    RegisterMissing,
    RegisterNewer,
    format_register,
    parse_register,
    register_record,
)

OWNER = "_failover.www.example.test."
NODES = st.from_regex(re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII), fullmatch=True)
EPOCHS = st.integers(1, 10**18 - 1)
# Strings that look like a register in places, so that every branch is met.
NEARLY = st.lists(
    st.sampled_from(
        [
            "v=failover",
            "1",
            "2",
            "0",
            " ",
            '"',
            "\\",
            "epoch=",
            "primary=",
            "alpha",
            "=",
            "\0",
            "٣",
            "-1",
            "9" * 30,
        ]
    ),
    max_size=12,
).map("".join)


def txt(*values: str) -> RecordSet:
    return RecordSet(OWNER, "TXT", 60, frozenset(values))


@given(EPOCHS, NODES)
def test_what_was_written_is_read_back(epoch: int, primary: str) -> None:
    register = Register(epoch, primary)

    assert parse_register(register_record(register, OWNER, 60)) == register


@given(st.lists(st.text() | NEARLY, min_size=1, max_size=3))
def test_no_txt_record_makes_it_crash(values: list[str]) -> None:
    state = parse_register(txt(*values))

    assert isinstance(state, Register | RegisterMalformed | RegisterNewer)
    assert str(state)


@given(EPOCHS, NODES, NEARLY.filter(lambda text: '"' not in text and "\\" not in text))
def test_a_later_version_is_never_taken_for_this_one(epoch: int, primary: str, rest: str) -> None:
    assert parse_register(txt(f'"v=failover2 epoch={epoch} primary={primary} {rest}"')) == RegisterNewer(2)


def test_the_text_is_the_agreed_one() -> None:
    assert format_register(Register(7, "bravo")) == "v=failover1 epoch=7 primary=bravo"


def test_absent_is_missing() -> None:
    assert parse_register(None) == RegisterMissing()


@pytest.mark.parametrize(
    "value",
    [
        '"v=failover1 epoch=7 primary=bravo"',
        '"v=failover1 epoch=7 " "primary=bravo"',
        "v=failover1 epoch=7 primary=bravo",
        '"v=failover1 primary=bravo later=word epoch=7"',
    ],
)
def test_forms_that_mean_the_same(value: str) -> None:
    assert parse_register(txt(value)) == Register(7, "bravo")


@pytest.mark.parametrize(
    "value",
    [
        '""',
        '"v=spf1 -all"',
        '"v=failover10"x',
        '"v=failover1"',
        '"v=failover0 epoch=1 primary=alpha"',
        '"v=failover1 epoch=0 primary=alpha"',
        '"v=failover1 epoch=-1 primary=alpha"',
        '"v=failover1 epoch=1 epoch=2 primary=alpha"',
        '"v=failover1 epoch=1 primary=alpha primary=bravo"',
        '"v=failover1 epoch=1 primary=ALPHA"',
        '"v=failover1 epoch=99999999999999999999 primary=alpha"',
        '"v=failover1 epoch=1 primary=al\\"pha"',
    ],
)
def test_anything_else_is_malformed_or_newer_and_never_a_register(value: str) -> None:
    assert isinstance(parse_register(txt(value)), RegisterMalformed | RegisterNewer)


def test_two_values_are_malformed() -> None:
    state = parse_register(txt('"v=failover1 epoch=1 primary=alpha"', '"v=failover1 epoch=2 primary=bravo"'))

    assert state == RegisterMalformed("2 TXT values where one is expected")


def test_a_newer_one_among_two_values_is_newer() -> None:
    assert parse_register(txt('"v=failover1 epoch=1 primary=alpha"', '"v=failover3"')) == RegisterNewer(3)


def test_a_register_that_could_not_be_read_back_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="not an epoch"):
        Register(0, "alpha")
    with pytest.raises(ValueError, match="not an epoch"):
        Register(1, 'al"pha')
