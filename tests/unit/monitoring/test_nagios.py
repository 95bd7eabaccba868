from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.model.codes import Code
from failover.model.finding import Finding, Severity
from failover.monitoring.nagios import Metric, render, unknown

LAG = Metric("seconds_behind", 0.25, "s", 10, 60)


def finding(
    severity: Severity, summary: str = "the standby is 90 s behind", hint: str | None = "look"
) -> Finding:
    return Finding(Code.REPLICATION_LAGGING, severity, summary, hint)


def test_well_is_one_line_with_status_text_and_performance_data() -> None:
    output = render("replication", [], "web2 follows web1", [LAG])

    assert output.text == "REPLICATION OK - web2 follows web1 | 'seconds_behind'=0.25s;10;60;0"
    assert output.exit_status == 0


@pytest.mark.parametrize(
    ("severity", "status"), [(Severity.WARNING, 1), (Severity.CRITICAL, 2), (Severity.UNKNOWN, 3)]
)
def test_the_exit_status_is_that_of_the_plug_in_conventions(severity: Severity, status: int) -> None:
    output = render("replication", [finding(severity)], "well", [])

    assert output.exit_status == status
    assert output.text.startswith(f"REPLICATION {severity.name} - the standby is 90 s behind\n")


def test_critical_hides_neither_the_unknown_nor_the_warning() -> None:
    found = [finding(Severity.WARNING, "a"), finding(Severity.CRITICAL, "b"), finding(Severity.UNKNOWN, "c")]
    output = render("replication", found, "well", [])

    assert output.exit_status == 2
    assert output.text.splitlines()[0] == "REPLICATION CRITICAL - b (and 2 more)"
    assert [line.split(":")[0] for line in output.text.splitlines()[1:]] == ["CRITICAL", "UNKNOWN", "WARNING"]


def test_an_unknown_figure_is_u_and_never_0() -> None:
    assert str(Metric("seconds_behind", None, "s", 10, 60)) == "'seconds_behind'=U;10;60;0"


def test_a_check_that_cannot_be_made_is_unknown() -> None:
    output = unknown("replication", "no configuration", "failover config generate")

    assert output.exit_status == 3
    assert output.text == "REPLICATION UNKNOWN - no configuration\nfailover config generate"


@given(st.text(), st.text())
def test_no_message_can_forge_performance_data_or_a_line(summary: str, hint: str) -> None:
    output = render("replication", [finding(Severity.CRITICAL, summary, hint)], "well", [LAG])
    first, *rest = output.text.split("\n")

    assert first.count("|") == 1
    assert len(rest) == 1
    assert re.search(r" \| 'seconds_behind'=0\.25s;10;60;0$", first)
