"""What the two ends of a mirror say to each other: framed messages over the agent channel. Pure.

Each side first sends MAGIC, then frames: four bytes of length, big-endian, then a msgpack array whose first element
is the message's word. Whatever comes before MAGIC is ignored, because a login may print a banner there.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from failover.errors import MirrorError
from failover.sync.packing import PackingError, pack, unpack

VERSION = 1
MAGIC_STEM = b"\x00failover-mirror\x01"
MAGIC = MAGIC_STEM + bytes([VERSION])
"""Starts each direction. The NUL keeps it out of anything a banner would print."""
MAX_FRAME_BYTES = 4 * 1024 * 1024
MAX_BANNER_BYTES = 64 * 1024
MAX_PATH_BYTES = 4096
"""PATH_MAX (limits.h): a longer one could not be opened anyway."""
PATHS_A_FRAME = 900
"""So that a list of the longest paths still fits into one frame; longer lists take several frames."""

_LENGTH = struct.Struct(">I")


class ProtocolError(MirrorError):
    """The other end does not speak this protocol, or broke a rule of it. The connection is of no more use."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Primary → standby, first of all: who I am and by which right I push."""

    WORD: ClassVar[str] = "hello"
    mirror: str
    epoch: int
    node: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """Standby → primary: go on. `boot` changes when the standby's machine was started again."""

    WORD: ClassVar[str] = "welcome"
    node: str
    epoch: int
    boot: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Standby → primary: this node must not push here, and why."""

    WORD: ClassVar[str] = "refused"
    reason: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Primary → standby: these may differ from now on. Sequences only grow within one connection."""

    WORD: ClassVar[str] = "announce"
    sequence: int
    paths: tuple[bytes, ...] = ()
    subtrees: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """Primary → standby: these have arrived, at least as new as announcement `sequence` said."""

    WORD: ClassVar[str] = "sent"
    sequence: int
    paths: tuple[bytes, ...] = ()
    subtrees: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Standby → primary: `sent` up to this sequence is taken note of."""

    WORD: ClassVar[str] = "confirmed"
    sequence: int


@dataclass(frozen=True, slots=True)
class KeepCheckpoint:
    """Primary → standby: everything changed before `source_time` (UTC, ISO 8601) has been sent; make it durable."""

    WORD: ClassVar[str] = "keep-checkpoint"
    source_time: str


@dataclass(frozen=True, slots=True)
class CheckpointKept:
    """Standby → primary: that checkpoint is on disk, and everything it covers."""

    WORD: ClassVar[str] = "checkpoint-kept"
    source_time: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Primary → standby: are you there?"""

    WORD: ClassVar[str] = "ping"
    number: int


@dataclass(frozen=True, slots=True)
class Pong:
    """Standby → primary: I am."""

    WORD: ClassVar[str] = "pong"
    number: int


@dataclass(frozen=True, slots=True)
class Bye:
    """Either way: I end this on purpose."""

    WORD: ClassVar[str] = "bye"


Message: TypeAlias = (
    Hello
    | Welcome
    | Refused
    | Announce
    | Sent
    | Confirmed
    | KeepCheckpoint
    | CheckpointKept
    | Ping
    | Pong
    | Bye
)


def encode(message: Message) -> bytes:
    """One frame."""
    values = [getattr(message, field.name) for field in dataclasses.fields(message)]
    body = pack([message.WORD, *values])
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Turns what arrives, in whatever pieces, into messages. After a ProtocolError it must not be used again."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._has_magic = False

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete now.

        Raises:
            ProtocolError: this is not the protocol, or not this version of it.
        """
        self._buffer += data
        if not self._has_magic and not self._find_magic():
            return []
        messages = []
        while (body := self._next_body()) is not None:
            messages.append(_decode(body))
        return messages

    def _find_magic(self) -> bool:
        start = self._buffer.find(MAGIC_STEM)
        if start < 0:
            if len(self._buffer) > MAX_BANNER_BYTES:
                raise ProtocolError("the other end does not speak the mirror protocol")
            return False
        end = start + len(MAGIC)
        if len(self._buffer) < end:
            return False
        version = self._buffer[end - 1]
        if version != VERSION:
            raise ProtocolError(
                f"the other end speaks version {version} of the mirror protocol, this one {VERSION}",
                hint="install the same version of failover on both nodes",
            )
        del self._buffer[:end]
        self._has_magic = True
        return True

    def _next_body(self) -> bytes | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > MAX_FRAME_BYTES:
            raise ProtocolError(f"a frame of {length} bytes is over the limit of {MAX_FRAME_BYTES}")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return body


def check_path(value: object) -> bytes:
    """The value if it is a path below a mirror's root (empty: the root itself). Raises ProtocolError otherwise."""
    if not isinstance(value, bytes) or len(value) > MAX_PATH_BYTES or b"\0" in value:
        raise ProtocolError("not a path")
    if value and any(part in {b"", b".", b".."} for part in value.split(b"/")):
        raise ProtocolError("a path that leaves the mirror, or is not in its plain form")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ProtocolError("a text was expected")
    return value


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ProtocolError("a number was expected")
    return value


def _paths(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        raise ProtocolError("a list of paths was expected")
    return tuple(check_path(path) for path in value)


_Check: TypeAlias = Callable[[object], Any]
_MESSAGES: dict[str, tuple[type[Any], tuple[_Check, ...]]] = {
    Hello.WORD: (Hello, (_text, _number, _text)),
    Welcome.WORD: (Welcome, (_text, _number, _text)),
    Refused.WORD: (Refused, (_text,)),
    Announce.WORD: (Announce, (_number, _paths, _paths)),
    Sent.WORD: (Sent, (_number, _paths, _paths)),
    Confirmed.WORD: (Confirmed, (_number,)),
    KeepCheckpoint.WORD: (KeepCheckpoint, (_text,)),
    CheckpointKept.WORD: (CheckpointKept, (_text,)),
    Ping.WORD: (Ping, (_number,)),
    Pong.WORD: (Pong, (_number,)),
    Bye.WORD: (Bye, ()),
}


def _decode(body: bytes) -> Message:
    try:
        parts = unpack(body)
    except PackingError as error:
        raise ProtocolError(f"a frame that is not msgpack: {error}") from None
    if not isinstance(parts, list) or not parts or not isinstance(parts[0], str):
        raise ProtocolError("a frame that is not a message")
    known = _MESSAGES.get(parts[0])
    if known is None:
        raise ProtocolError("a message of an unknown kind")
    kind, checks = known
    if len(parts) != len(checks) + 1:
        raise ProtocolError(f"{parts[0]}: wrong number of fields")
    message: Message = kind(*(check(value) for check, value in zip(checks, parts[1:], strict=True)))
    return message
