from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sync.pair import Pair, new_pair


@pytest.fixture
def pair() -> Iterator[Pair]:
    if os.geteuid() != 0:
        pytest.skip("the mirror is root's, and so is the sshd it goes through: sudo make integration")
    # A short path: a Unix socket's name has 108 bytes at most (unix(7)), and ssh adds some of its own.
    with tempfile.TemporaryDirectory(prefix="fo-") as base, new_pair(Path(base)) as pair:
        pair.start_sshd()
        yield pair
