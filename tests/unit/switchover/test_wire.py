from __future__ import annotations

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.errors import DeadlineError, ExitStatus, FailoverError, UnreachableError
from failover.model.role import NodeState
from failover.replication.model import ServerStatus, Verdict
from failover.switchover.node import FileRecord, NodeFacts, NodeOrders
from failover.switchover.wire import RemoteError, answer, call_over
from tests.fakes.pair import mirror_status, server

FACTS = NodeFacts(
    "web1", "0.1", "b", "2026-01-01T00:00:00+00:00", NodeState("web1", 3, "web1"), (mirror_status(),)
)


class Node:
    """A few real orders."""

    def __init__(self) -> None:
        self.state: NodeState | None = None

    def describe(self) -> NodeFacts:
        return FACTS

    def write_state(self, *, state: NodeState) -> None:
        self.state = state

    def probe_database(self, *, timeout_seconds: float) -> ServerStatus:
        return server(is_primary=False)

    def thaw_database(self, *, with_events: bool) -> None:
        raise FailoverError("the server is gone", hint="start it", exit_status=ExitStatus.DATABASE_FAILED)

    def stop_mirrors(self) -> None:
        raise OSError(28, "No space left on device")

    def stat_files(
        self, *, mirror: str, paths: tuple[str, ...], timeout_seconds: float
    ) -> tuple[FileRecord, ...]:
        return tuple(FileRecord(path, 1, 2) for path in paths)


class Loop:
    """A line whose other end is a node in the same process."""

    def __init__(self, node: Node, before: bytes = b"") -> None:
        self.node = node
        self.pending = before
        self.limits: list[float] = []

    def write(self, data: bytes, *, timeout_seconds: float) -> None:
        self.pending += answer(cast("NodeOrders", self.node), data)

    def read_line(self, *, timeout_seconds: float) -> bytes:
        self.limits.append(timeout_seconds)
        if b"\n" not in self.pending:
            raise DeadlineError(f"ssh: no answer within {timeout_seconds:g} s")
        line, _, self.pending = self.pending.partition(b"\n")
        return line


def test_frozen_values_travel_whole_in_both_directions() -> None:
    node = Node()
    there = call_over("web1", Loop(node))
    there.write_state(state=NodeState("web1", 4, "web2"))

    assert there.describe() == FACTS
    assert there.probe_database(timeout_seconds=1) == server(is_primary=False)
    assert node.state == NodeState("web1", 4, "web2")


@given(st.binary(max_size=50))
def test_a_path_of_any_bytes_travels(name: bytes) -> None:
    path = name.decode("utf-8", "surrogateescape")
    records = call_over("web1", Loop(Node())).stat_files(mirror="www", paths=(path,), timeout_seconds=1)

    assert [record.path for record in records] == [path]


def test_an_error_arrives_with_the_node_s_name_the_hint_and_the_exit_status() -> None:
    with pytest.raises(RemoteError, match="web1: the server is gone") as caught:
        call_over("web1", Loop(Node())).thaw_database(with_events=False)

    assert caught.value.hint == "start it"
    assert caught.value.exit_status is ExitStatus.DATABASE_FAILED


def test_a_full_disk_is_an_answer_not_the_end_of_the_session() -> None:
    there = call_over("web1", Loop(Node()))
    with pytest.raises(RemoteError, match="No space left"):
        there.stop_mirrors()

    assert there.describe() == FACTS


def test_a_login_banner_is_passed_over() -> None:
    assert call_over("web1", Loop(Node(), before=b"Welcome to web1!\n{}\n7\n")).describe() == FACTS


def test_a_silent_line_is_an_unreachable_node() -> None:
    class Silent(Loop):
        def write(self, data: bytes, *, timeout_seconds: float) -> None: ...

    with pytest.raises(UnreachableError, match="web1: ssh: no answer"):
        call_over("web1", Silent(Node())).describe()


def test_the_wait_for_an_answer_covers_the_order_s_own_limit() -> None:
    loop = Loop(Node())
    call_over("web1", loop).probe_database(timeout_seconds=30)

    assert loop.limits[0] > 30


def test_an_answer_of_the_wrong_shape_is_not_believed() -> None:
    class Liar(Loop):
        def write(self, data: bytes, *, timeout_seconds: float) -> None:
            self.pending += b'{"call": 1, "result": {"node": 7}}\n'

    with pytest.raises(RemoteError, match="its answer to describe makes no sense"):
        call_over("web1", Liar(Node())).describe()


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"{}",
        b"[1]",
        b'"x"',
        b"null",
        b'{"call": 1, "order": "__class__", "arguments": {}}',
        b'{"call": 1, "order": "_node", "arguments": {}}',
        b'{"call": 1, "order": "rm", "arguments": {}}',
        b'{"call": 1, "order": "describe", "arguments": {"x": 1}}',
        b'{"call": 1, "order": "write_state", "arguments": {"state": 5}}',
        b'{"call": 1, "order": "write_state", "arguments": {}}',
        b'{"call": 1, "order": {}, "arguments": {}}',
        b'{"call": 1, "order": "describe", "arguments": []}',
    ],
)
def test_whatever_is_no_request_gets_an_error_and_does_nothing(request_: bytes) -> None:
    node = Node()
    reply: dict[str, Any] = json.loads(answer(cast("NodeOrders", node), request_))

    assert "error" in reply
    assert node.state is None


@given(st.binary(max_size=200))
def test_no_bytes_end_the_session(data: bytes) -> None:
    assert answer(cast("NodeOrders", Node()), data).endswith(b"\n")


def test_a_verdict_is_the_same_word_on_both_ends() -> None:
    assert call_over("web1", Loop(Node())).probe_database(timeout_seconds=1).verdict is Verdict.UP
