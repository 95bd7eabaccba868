from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.sync.packing import pack
from failover.sync.protocol import (
    MAGIC,
    MAX_BANNER_BYTES,
    MAX_FRAME_BYTES,
    PATHS_A_FRAME,
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

_name = st.binary(min_size=1, max_size=12).map(lambda name: name.replace(b"/", b"_").replace(b"\0", b"_"))
_path = st.lists(_name.filter(lambda name: name not in {b".", b".."}), max_size=4).map(b"/".join)
_paths = st.lists(_path, max_size=5).map(tuple)
_number = st.integers(0, 2**63 - 1)
_message: st.SearchStrategy[Message] = st.one_of(
    st.builds(Hello, st.text(), _number, st.text()),
    st.builds(Welcome, st.text(), _number, st.text()),
    st.builds(Refused, st.text()),
    st.builds(Announce, _number, _paths, _paths),
    st.builds(Sent, _number, _paths, _paths),
    st.builds(Confirmed, _number),
    st.builds(KeepCheckpoint, st.text()),
    st.builds(CheckpointKept, st.text()),
    st.builds(Ping, _number),
    st.builds(Pong, _number),
    st.just(Bye()),
)


@given(st.lists(_message), st.binary(max_size=50), st.integers(1, 40))
def test_messages_survive_a_banner_and_any_cut(messages: list[Message], banner: bytes, size: int) -> None:
    data = banner + MAGIC + b"".join(encode(message) for message in messages)
    decoder = Decoder()

    got = [
        message for start in range(0, len(data), size) for message in decoder.feed(data[start : start + size])
    ]

    assert got == messages


@given(st.binary())
def test_any_bytes_are_messages_or_a_protocol_error(data: bytes) -> None:
    decoder = Decoder()
    try:
        decoder.feed(MAGIC + data)
    except ProtocolError:
        pass


@given(st.recursive(st.none() | st.booleans() | st.integers(-5, 5) | st.text() | st.binary(), st.lists))
def test_any_msgpack_is_a_message_or_a_protocol_error(value: object) -> None:
    body = pack([*value] if isinstance(value, list) else value)
    try:
        Decoder().feed(MAGIC + struct.pack(">I", len(body)) + body)
    except ProtocolError:
        pass


@pytest.mark.parametrize("word", ["hello", "announce", "sent", "ping", "keep-checkpoint"])
@given(fields=st.lists(st.none() | st.integers() | st.text() | st.lists(st.text() | st.binary()), max_size=4))
def test_known_words_with_wrong_fields_are_protocol_errors_or_messages(
    word: str, fields: list[object]
) -> None:
    try:
        body = pack([word, *fields])
    except OverflowError:
        return
    try:
        Decoder().feed(MAGIC + struct.pack(">I", len(body)) + body)
    except ProtocolError:
        pass


def test_deeply_nested_msgpack_is_a_protocol_error() -> None:
    body = b"\x91" * 100_000 + b"\xc0"

    with pytest.raises(ProtocolError):
        Decoder().feed(MAGIC + struct.pack(">I", len(body)) + body)


def test_frame_over_the_limit_is_refused_before_it_is_there() -> None:
    with pytest.raises(ProtocolError, match="over the limit"):
        Decoder().feed(MAGIC + struct.pack(">I", MAX_FRAME_BYTES + 1))


def test_endless_banner_is_refused() -> None:
    decoder = Decoder()

    with pytest.raises(ProtocolError, match="does not speak"):
        decoder.feed(b"x" * (MAX_BANNER_BYTES + 1))


def test_other_version_is_named() -> None:
    with pytest.raises(ProtocolError, match="version 9"):
        Decoder().feed(MAGIC[:-1] + b"\x09")


@pytest.mark.parametrize(
    "path", [b"/etc/passwd", b"../x", b"a/../b", b"a//b", b"a/", b".", b"a/./b", b"a\0b", b"x" * 5000]
)
def test_path_that_leaves_the_mirror_is_refused(path: bytes) -> None:
    with pytest.raises(ProtocolError):
        Decoder().feed(MAGIC + encode(Announce(1, (path,), ())))


def test_longest_paths_fit_into_a_frame() -> None:
    message = Announce(1, tuple(b"x" * 4096 for _ in range(PATHS_A_FRAME)), ())

    assert Decoder().feed(MAGIC + encode(message)) == [message]
