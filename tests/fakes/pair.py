"""A pair made of values: settings, and what one look at a healthy pair finds. Tests change what they are about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from failover.config.settings import Settings
from failover.dns.matrix import Answer, Authority, Matrix, View
from failover.dns.plan import wanted_records
from failover.dns.register import Register
from failover.model.role import NodeState
from failover.replication.model import (
    Gtid,
    GtidPosition,
    ReplicaStatus,
    ServerStatus,
    ThreadState,
    Verdict,
)
from failover.switchover.facts import NodeView, PairFacts
from failover.switchover.names import DnsView
from failover.switchover.node import NodeFacts
from failover.sync.status import MirrorState, MirrorStatus

AT = datetime(2026, 1, 1, tzinfo=UTC)


def pair_settings() -> Settings:
    return Settings.model_validate(
        {
            "nodes": {"web1": {"address": "10.77.0.11"}, "web2": {"address": "10.77.0.12"}},
            "dns": {
                "zone": "example.test",
                "servers": [{"address": "10.77.0.53"}],
                "tsig": {"name": "failover", "secret": "env:TSIG"},
                "ttl_seconds": 2,
                "records": [
                    {
                        "name": "www.example.test",
                        "type": "A",
                        "values": {"web1": ["10.77.0.11"], "web2": ["10.77.0.12"]},
                    }
                ],
            },
        }
    )


def mirror_status(state: MirrorState = MirrorState.IN_SYNC) -> MirrorStatus:
    return MirrorStatus("www", state, AT.isoformat(), waiting_paths=0, last_checkpoint=AT.isoformat())


def node_view(name: str, *, epoch: int = 3, primary: str = "web1") -> NodeView:
    is_primary = name == primary
    mirror = mirror_status(MirrorState.IN_SYNC if is_primary else MirrorState.STANDBY)
    facts = NodeFacts(name, "0.1", "boot", AT.isoformat(), NodeState(name, epoch, primary), (mirror,))
    return NodeView(name, facts, server(is_primary=is_primary))


def server(*, is_primary: bool, sequence: int = 42) -> ServerStatus:
    position = GtidPosition((Gtid(0, 1, sequence),))
    return ServerStatus(
        verdict=Verdict.UP,
        version="10.11.6-MariaDB",
        server_id=1 if is_primary else 2,
        is_read_only=not is_primary,
        keeps_binlog=True,
        logs_applied=True,
        binlog_position=position,
        binlog_state=position.gtids,
        applied_position=GtidPosition() if is_primary else position,
        is_replica=not is_primary,
        replica=None if is_primary else replica(position),
    )


def replica(position: GtidPosition) -> ReplicaStatus:
    return ReplicaStatus(
        source_host="10.77.0.11",
        source_port=3306,
        source_user="failover_repl",
        source_server_id=1,
        source_certificate_authority="/etc/failover/ca.pem",
        channel="",
        io_running=ThreadState.YES,
        sql_running=ThreadState.YES,
        io_errno=None,
        io_error=None,
        sql_errno=None,
        sql_error=None,
        received_position=position,
        applied_position=position,
        seconds_behind=0.0,
        read_file_position=None,
        applied_file_position=None,
        delay_seconds=0.0,
        unapplied=False,
    )


def dns_view(settings: Settings, *, epoch: int = 3, primary: str = "web1") -> DnsView:
    register = Register(epoch, primary)
    answers = tuple(
        (key, Answer(record)) for key, record in sorted(wanted_records(settings.dns, register).items())
    )
    authorities = (
        Authority("ns1.example.test.", "10.77.0.53"),
        Authority("ns2.example.test.", "10.77.0.54"),
    )
    return DnsView(register, Matrix(tuple(View(authority, 7, answers) for authority in authorities)))


def healthy(settings: Settings) -> PairFacts:
    return PairFacts(AT, {name: node_view(name) for name in settings.nodes}, dns_view(settings))


def with_node(facts: PairFacts, view: NodeView) -> PairFacts:
    return replace(facts, nodes={**facts.nodes, view.name: view})


def silent(name: str) -> NodeView:
    return NodeView(name, None, None, "ssh: connect to host: No route to host")
