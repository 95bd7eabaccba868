from __future__ import annotations

import shlex

import pytest

from failover.lab.demo.look_around import lines, text


@pytest.mark.parametrize("has_curl", [True, False])
def test_every_line_is_a_line_of_shell_that_names_the_lab(*, has_curl: bool) -> None:
    shown = lines(program="/opt/f/bin/failover", lab="mine", primary="web1", has_curl=has_curl)

    for _, line in shown:
        words = shlex.split(line)
        assert words[:2] == ["/opt/f/bin/failover", "lab"]
        assert words[words.index("--name") + 1] == "mine"
    assert any("curl" in line for _, line in shown) is has_curl
    assert all(line in text(shown) for _, line in shown)


def test_the_default_lab_needs_no_name() -> None:
    shown = dict(lines(program="failover", lab="lab", primary="web1", has_curl=True))

    assert shown["the pair"] == "failover lab run operator -- failover status"
    assert shown["the end of it"] == "failover lab down"
