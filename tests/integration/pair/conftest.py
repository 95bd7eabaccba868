"""A pair in service on the lab, for all tests of the commands here: each leaves it healthy, whoever is primary."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from failover.lab.lab import Lab
from failover.lab.pair import provision, start_daemons
from tests.integration.pair.operator import Operator


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab.up(f"pair-{os.getpid()}") as lab:
        provision(lab)
        start_daemons([lab.host("web1"), lab.host("web2")], "sync")
        yield lab


@pytest.fixture(scope="session")
def _begun(lab: Lab) -> Lab:
    Operator(lab).failover("init", "--primary", "web1", "--yes")
    return lab


@pytest.fixture
def operator(_begun: Lab) -> Operator:
    """The operator of a pair that is healthy when the test begins."""
    operator = Operator(_begun)
    operator.until_healthy()
    return operator
