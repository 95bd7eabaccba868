from __future__ import annotations

import pytest

from failover.errors import DeadlineError
from failover.lab.demo.nodes import fencing_of, holdings_of, knock, try_to_push
from tests.fakes.clock import FakeClock
from tests.unit.lab.demo.actors import FakeHost


def test_holdings_are_the_tokens_of_the_database_and_the_names_of_the_uploads() -> None:
    host = FakeHost("web1", answers={"mariadb": "c1\nc2\n", "find": "u1\nu2\n"})

    held = holdings_of(host)

    assert held.comments == {"c1", "c2"}
    assert held.uploads == {"u1", "u2"}
    assert len(host.ran) == 2, "one question each, however many there are"


def test_an_empty_node_holds_nothing() -> None:
    held = holdings_of(FakeHost("web1", answers={"mariadb": "", "find": ""}))

    assert (held.comments, held.uploads) == (frozenset(), frozenset())


def test_knocking_goes_to_the_address_of_the_node() -> None:
    operator = FakeHost("operator", answers={"python": "connection refused\n"})

    assert knock(operator, FakeHost("web2", "10.77.0.12")) == "connection refused"
    assert "10.77.0.12" in operator.ran[0]


@pytest.mark.parametrize(
    ("read_only", "served", "expected"),
    [
        ("1", "connection refused", [True, True]),
        ("1", "HTTP 503 from web2", [True, True]),
        ("0", "connection refused", [False, True]),
        ("OFF", "timed out", [False, True]),
        ("1", "HTTP 200 from web2", [True, False]),
    ],
)
def test_a_returned_node_is_fenced_if_it_takes_no_writes_and_serves_nobody(
    read_only: str, served: str, expected: list[bool]
) -> None:
    checks = fencing_of(
        FakeHost("web2", answers={"mariadb": f"{read_only}\n"}),
        FakeHost("operator", answers={"python": served}),
        clock=FakeClock(),
        timeout_seconds=5,
    )

    assert [check.is_true for check in checks] == expected
    assert served in checks[1].seen


def test_a_database_that_never_comes_up_is_an_error_not_a_fence() -> None:
    with pytest.raises(DeadlineError, match="the database of web2 after its boot"):
        fencing_of(FakeHost("web2", answers={}), FakeHost("operator"), clock=FakeClock(), timeout_seconds=5)


@pytest.mark.parametrize(
    ("status", "arrives", "is_true"),
    [(17, False, True), (0, False, False), (17, True, False), (0, True, False)],
)
def test_a_push_must_be_refused_and_must_not_arrive(status: int, arrives: bool, is_true: bool) -> None:
    said = (status, "web2 is standby in epoch 3\n")
    returned = FakeHost("web2", answers={"failover": said, "pkill": "", "pgrep": (1, "")})
    primary = FakeHost("web1", answers={"mariadb": "", "find": ""})
    if arrives:
        returned.on_write = primary.hold_upload

    check = try_to_push(returned, primary, clock=FakeClock())

    assert check.is_true is is_true
    assert "web2 is standby in epoch 3" in check.seen
    assert ("ARRIVED" in check.seen) is arrives
    assert returned.written, "the attempt was made"
