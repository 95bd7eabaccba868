"""A pair that was never given its roles."""

from __future__ import annotations

import os

import pytest

from failover.errors import ExitStatus
from failover.lab.lab import Lab
from failover.lab.pair import provision
from tests.integration.pair.operator import Operator

pytestmark = pytest.mark.integration


def test_a_pair_without_roles_is_refused_and_told_of_init() -> None:
    with Lab.up(f"new-{os.getpid()}") as lab:
        provision(lab)
        operator = Operator(lab)
        for words in (("switchover", "--yes"), ("switchover", "--primary-dead", "--yes")):
            said = operator.run(*words)
            assert said.status == ExitStatus.ROLE_UNKNOWN, said
            assert "failover init" in said.stderr
        assert operator.is_read_only(lab.host("web1"))
        assert operator.is_read_only(lab.host("web2"))
