from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from failover.config.settings import Settings
from failover.model.role import NodeState
from failover.sync.agent import MirrorAgent
from failover.sync.announced import read_announced
from failover.sync.checkpoint import read_checkpoint
from failover.sync.gate import RunStreamAgent
from failover.sync.protocol import (
    MAGIC,
    Announce,
    Bye,
    CheckpointKept,
    Confirmed,
    Decoder,
    Hello,
    KeepCheckpoint,
    Message,
    Ping,
    Pong,
    ProtocolError,
    Refused,
    Sent,
    Welcome,
    encode,
)
from tests.fakes.clock import FakeClock


class Session:
    """An agent in a thread, and the primary's ends of its two pipes."""

    def __init__(self, base: Path) -> None:
        self.settings = Settings.model_validate(
            {
                "nodes": {"web1": {"address": "192.0.2.1"}, "web2": {"address": "192.0.2.2"}},
                "mirrors": {"www": {"path": str(base / "www")}},
                "paths": {"state": str(base / "state"), "runtime": str(base / "run")},
                "dns": {
                    "zone": "example.org",
                    "servers": [{"address": "192.0.2.53"}],
                    "tsig": {"name": "k", "algorithm": "hmac-sha256", "secret": "file:/x"},
                    "records": [
                        {
                            "name": "example.org",
                            "type": "A",
                            "values": {"web1": ["192.0.2.1"], "web2": ["192.0.2.2"]},
                        }
                    ],
                },
            }
        )
        self.state_directory = base / "state"
        self.state = NodeState("web2", 3, "web1")
        (base / "www").mkdir()
        their_input, self.output = os.pipe()
        self.input, their_output = os.pipe()
        self._decoder = Decoder()
        self._waiting: list[Message] = []
        self._agent = MirrorAgent(
            RunStreamAgent("www", 3, "web1"),
            self.settings,
            clock=FakeClock(datetime(2026, 5, 6, tzinfo=UTC)),
            read_state=lambda: self.state,
            input_descriptor=their_input,
            output_descriptor=their_output,
        )
        self.failure: Exception | None = None
        self.thread = threading.Thread(target=self._serve, args=(their_input, their_output))
        self.thread.start()

    def _serve(self, *descriptors: int) -> None:
        try:
            self._agent.serve()
        except ProtocolError as error:
            self.failure = error
        for descriptor in descriptors:
            os.close(descriptor)

    def say(self, *messages: Message) -> None:
        os.write(self.output, b"".join(encode(message) for message in messages))

    def hear(self) -> Message | None:
        while not self._waiting:
            data = os.read(self.input, 65536)
            if not data:
                return None
            self._waiting += self._decoder.feed(data)
        return self._waiting.pop(0)

    def greet(self) -> None:
        os.write(self.output, b"a banner\n" + MAGIC)
        self.say(Hello("www", 3, "web1"))
        assert isinstance(self.hear(), Welcome)

    def close(self) -> None:
        os.close(self.output)
        self.thread.join(5)
        os.close(self.input)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session(tmp_path)
    yield session
    session.close()


def test_announced_is_kept_until_sent(session: Session) -> None:
    session.greet()
    session.say(Announce(1, (b"a", b"b"), (b"d",)), Sent(1, (b"a",), ()))

    assert session.hear() == Confirmed(1)
    assert read_announced(session.state_directory, "www") == (b"b", b"d/")


def test_checkpoint_is_kept_before_it_is_answered(session: Session) -> None:
    session.greet()
    session.say(KeepCheckpoint("2026-05-06T07:08:09+00:00"))

    assert session.hear() == CheckpointKept("2026-05-06T07:08:09+00:00")
    kept = read_checkpoint(session.state_directory, "www")
    assert kept is not None
    assert (kept.epoch, kept.source_time) == (3, datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC))


def test_promotion_ends_a_connection_that_is_open(session: Session) -> None:
    session.greet()
    session.say(Ping(1))
    assert session.hear() == Pong(1)

    session.state = NodeState("web2", 4, "web2")
    session.say(Announce(1, (b"late",), ()))

    refused = session.hear()
    assert isinstance(refused, Refused)
    assert "web2 is primary now" in refused.reason
    assert session.hear() is None
    assert read_announced(session.state_directory, "www") == ()


def test_hello_that_contradicts_the_command_is_refused(session: Session) -> None:
    os.write(session.output, MAGIC)
    session.say(Hello("www", 99, "web1"))

    assert isinstance(session.hear(), Refused)


def test_missing_target_is_refused(session: Session) -> None:
    (session.settings.mirrors["www"].path).rmdir()
    os.write(session.output, MAGIC)
    session.say(Hello("www", 3, "web1"))

    assert isinstance(session.hear(), Refused)


def test_bye_ends_it(session: Session) -> None:
    session.greet()
    session.say(Bye())

    assert session.hear() is None
    session.thread.join(5)
    assert session.failure is None


def test_nonsense_ends_it_with_an_error(session: Session) -> None:
    session.greet()
    os.write(session.output, b"\x00\x00\x00\x01\xc1")

    assert session.hear() is None
    session.thread.join(5)
    assert session.failure is not None
