"""One lab with a pair's ground for all the tests here; every test leaves it as it found it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from failover.lab.host import Host
from failover.lab.lab import Lab
from failover.lab.pair import Secrets, provision


@pytest.fixture(scope="session")
def lab_and_secrets() -> Iterator[tuple[Lab, Secrets]]:
    with Lab.up(f"test-{os.getpid()}") as lab:
        yield lab, provision(lab)


@pytest.fixture(scope="session")
def lab(lab_and_secrets: tuple[Lab, Secrets]) -> Lab:
    return lab_and_secrets[0]


@pytest.fixture
def web1(lab: Lab) -> Host:
    return lab.host("web1")


@pytest.fixture
def web2(lab: Lab) -> Host:
    return lab.host("web2")


@pytest.fixture
def operator(lab: Lab) -> Host:
    return lab.host("operator")
