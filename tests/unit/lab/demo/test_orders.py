from __future__ import annotations

import pytest

from failover.errors import LabError
from failover.lab.demo.orders import Operator
from failover.lab.demo.timeline import StepEvent
from tests.fakes.clock import FakeClock
from tests.unit.lab.demo.actors import FakeProcess

STATUS = ("failover", "status", "--json")


def ended(status: int, said: bytes = b"", complained: bytes = b"") -> FakeProcess:
    process = FakeProcess(said=said, complained=complained)
    process.end(status)
    return process


def operator_with(process: FakeProcess) -> Operator:
    return Operator(lambda _argv: process, clock=FakeClock())


def test_events_are_handed_on_and_kept_and_talk_is_not() -> None:
    said = b'{"event":"step","step":"a","state":"done"}\nhello\n[1]\n{"event":"finished","outcome":"done"}\n'
    heard: list[StepEvent] = []

    run = operator_with(ended(0, said, b"a warning\n")).watch(
        ("failover", "switchover"), timeout_seconds=5, on_event=heard.append
    )

    assert [event.name for event in run.events] == ["step", "finished"]
    assert list(run.events) == heard
    assert run.is_done
    assert run.said == "a warning"


@pytest.mark.parametrize("is_obedient", [True, False])
def test_a_command_that_does_not_end_is_told_to_then_killed_and_is_an_error(*, is_obedient: bool) -> None:
    process = FakeProcess(said=b'{"event":"step"}\n')
    process.ends_when_told = is_obedient

    with pytest.raises(LabError, match=r"failover switchover: no end within 0\.05 s"):
        operator_with(process).watch(("failover", "switchover"), timeout_seconds=0.05)
    assert process.was_told
    assert process.was_killed is not is_obedient


def test_an_answer_is_taken_whatever_the_exit_status() -> None:
    assert operator_with(ended(3, b'{"nodes": []}')).ask(STATUS, timeout_seconds=5) == {"nodes": []}


@pytest.mark.parametrize(
    ("said", "complained", "message"),
    [
        (b"", b"failover: no configuration\nhint: x\n", "ended with status 10: failover: no configuration$"),
        (
            b"",
            b"Traceback (most recent call last):\n  File\nKeyError: 1\n",
            "ended with status 10: KeyError: 1$",
        ),
        (b"oops", b"", "ended with status 10: oops"),
        (b"", b"", "ended with status 10: it said nothing"),
        (b"[]", b"", "not an object"),
    ],
)
def test_an_answer_that_is_no_object_is_an_error(said: bytes, complained: bytes, message: str) -> None:
    with pytest.raises(LabError, match=message):
        operator_with(ended(10, said, complained)).ask(STATUS, timeout_seconds=5)


def test_what_has_to_succeed_is_an_error_when_it_does_not() -> None:
    operator_with(ended(0)).do(("failover", "init"), timeout_seconds=5)

    with pytest.raises(LabError, match="failover init ended with status 3: refused"):
        operator_with(ended(3, b"", b"refused")).do(("failover", "init"), timeout_seconds=5)
