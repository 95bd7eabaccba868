from __future__ import annotations

import pytest

from failover.config.settings import DnsServerSettings, DnsSettings, RecordSettings, TsigSettings


@pytest.fixture(scope="session")
def settings() -> DnsSettings:
    values: dict[str, tuple[str, ...]] = {"alpha": ("10.77.0.11",), "bravo": ("10.77.0.12",)}
    values6: dict[str, tuple[str, ...]] = {"alpha": ("FD77::0:11",), "bravo": ("fd77::12",)}
    return DnsSettings(
        zone="example.test.",
        servers=(DnsServerSettings(address="127.0.0.1", port=5300),),
        tsig=TsigSettings(name="failover.", secret="env:UNUSED"),
        records=(
            RecordSettings(name="www.example.test.", type="A", values=values),
            RecordSettings(name="www.example.test.", type="AAAA", values=values6),
            RecordSettings(name="example.test.", type="A", values=values),
        ),
    )
