"""The set-up script reads the lab's list before anything is installed, with whatever Python the machine has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

_ROOT = Path(__file__).parents[2]


def test_the_list_of_requirements_is_read_by_a_python_without_any_package() -> None:
    program = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from failover.lab import requirements"

    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", program], check=True, timeout=30)


def test_the_set_up_has_nothing_to_do_where_the_tests_run() -> None:
    done = subprocess.run(
        [_ROOT / ".ci" / "setup", "packages"], check=True, capture_output=True, text=True, timeout=30
    )

    assert done.stdout == ""
