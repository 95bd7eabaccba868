from __future__ import annotations

import pytest

from failover.dns.provider import DnsProvider
from tests.contract.dns_provider import DnsProviderContract
from tests.fakes.dns import FakeDnsProvider


class TestFake(DnsProviderContract):
    """The contract against the fake: what the unit tests rely on is what a name server does."""

    @pytest.fixture
    def provider(self) -> DnsProvider:
        return FakeDnsProvider()
