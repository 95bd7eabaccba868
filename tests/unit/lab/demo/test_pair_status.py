from __future__ import annotations

from typing import Any

import pytest

from failover.lab.demo.pair_status import pair_status_from

HEALTHY: dict[str, Any] = {
    "nodes": {
        "web1": {"role": "standby", "epoch": 2, "reachable": True},
        "web2": {"role": "primary", "epoch": 2, "reachable": True},
    },
    "mirrors": {"www": {"state": "in-sync", "waiting_paths": 0, "oldest_age_seconds": None}},
    "replication": {"transactions_behind": 0, "seconds_behind": 0.0},
    "findings": [{"code": "dns-ttl-high", "severity": "warning", "summary": "the TTL is 60 s"}],
}


def why_not(**changes: Any) -> str | None:
    return pair_status_from(HEALTHY | changes).why_not_ready(primary="web2", standby="web1")


def test_a_healthy_standby_is_ready_and_a_warning_does_not_stop_it() -> None:
    assert why_not() is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"nodes": {"web1": HEALTHY["nodes"]["web1"]}}, "roles: web1 standby"),
        ({"nodes": {}}, "roles: nobody answers"),
        (
            {"nodes": HEALTHY["nodes"] | {"web2": {"role": "primary", "epoch": 2, "reachable": False}}},
            "roles: web1 standby",
        ),
        ({"findings": [{"code": "x", "severity": "critical", "summary": "it broke"}]}, "it broke"),
        ({"findings": [{"code": "x", "severity": "unknown", "summary": "who knows"}]}, "who knows"),
        ({"mirrors": {"www": {"state": "full-pass"}}}, "the mirror is full-pass"),
        (
            {"mirrors": {"www": {"state": "sending", "oldest_age_seconds": 2.0}}},
            "the mirror is sending, the oldest for 2.00 s",
        ),
        ({"mirrors": {"www": {"state": "sending"}}}, "the mirror is sending"),
        ({"mirrors": {"a": {"state": "in-sync"}, "b": {"state": "halted"}}}, "the mirror is halted"),
        ({"mirrors": None}, "the mirror is unknown"),
        ({"replication": {}}, "the standby's database reports no lag"),
    ],
)
def test_whatever_is_wrong_or_unknown_is_a_reason(changes: dict[str, Any], reason: str) -> None:
    assert why_not(**changes) == reason


def test_a_mirror_with_something_just_on_its_way_is_in_sync() -> None:
    assert (
        why_not(mirrors={"www": {"state": "sending", "waiting_paths": 2, "oldest_age_seconds": 1.9}}) is None
    )


def test_the_roles_have_to_be_the_expected_ones() -> None:
    assert pair_status_from(HEALTHY).why_not_ready(primary="web1", standby="web2") is not None


@pytest.mark.parametrize(
    "nonsense", [{}, {"nodes": 3, "mirrors": [], "replication": "x", "dns": {"authorities": 1}}]
)
def test_what_cannot_be_read_is_unknown(nonsense: dict[str, Any]) -> None:
    status = pair_status_from(nonsense)

    assert status.nodes == ()
    assert (status.mirrors, status.transactions_behind, status.dns) == ((), None, ())
