"""`failover demo --keep`: the lines it prints at its end work as they stand, pasted into a shell."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from failover.errors import LabError
from failover.lab.lab import Lab

pytestmark = pytest.mark.scenario

NAME = f"keep-{os.getpid()}"


def paste(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line, shell=True, input="exit\n", capture_output=True, text=True, timeout=60, check=False
    )


def test_the_lines_printed_at_the_end_work_as_they_stand() -> None:
    words = (sys.executable, "-m", "failover", "demo", "--keep", "--seconds", "1", "--name", NAME)
    try:
        said = subprocess.run(words, capture_output=True, text=True, timeout=180, check=False)
        assert said.returncode == 0, said
        shown = (said.stdout + said.stderr).split("Look around:")[1].splitlines()
        pairs = [line.strip() for line in shown if line.strip()]
        lines = dict(zip(pairs[::2], pairs[1::2], strict=True))

        assert "primary, outranked" in paste(lines["# the pair"]).stdout
        assert "took over from web2" in paste(lines["# what was lost"]).stdout
        assert "served by web1" in paste(lines["# the site, as a visitor gets it"]).stdout
        assert "10.77.0.11" in paste(lines["# its address"]).stdout
        assert "epoch=3 primary=web1" in paste(lines["# the register"]).stdout
        assert "was here" in paste(lines["# its comments"]).stdout
        assert paste(lines["# a shell"]).returncode == 0
        assert paste(lines["# the end of it"]).returncode == 0
        with pytest.raises(LabError, match="is not up"):
            Lab.attach(NAME)
    finally:
        try:
            Lab.attach(NAME).down()
        except LabError:
            pass  # it is down, as it should be
