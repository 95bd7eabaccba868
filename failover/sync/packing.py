"""msgpack with types: bytes stay bytes, text stays text. Used on the wire and in the standby's records. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgpack  # type: ignore[import-untyped] # it ships none, and has no stubs


class PackingError(ValueError):
    """Bytes that are not msgpack."""


def pack(value: object) -> bytes:
    """The value as msgpack."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def unpack(data: bytes) -> object:
    """The one value in `data`. Raises PackingError."""
    try:
        value: object = msgpack.unpackb(data, raw=False, strict_map_key=True)
    except Exception as error:  # noqa: BLE001 - msgpack raises a dozen kinds for bad input, RecursionError among them
        raise PackingError(type(error).__name__) from None
    return value


def unpack_all(data: bytes) -> Iterator[object]:
    """The values in `data`, up to the first that is not whole."""
    most = max(1, len(data))
    unpacker = msgpack.Unpacker(raw=False, max_buffer_size=0, max_array_len=most, max_bin_len=most)
    unpacker.feed(data)
    while True:
        try:
            value = unpacker.unpack()
        except Exception:  # noqa: BLE001 - OutOfData at the end, or one of the dozen for a torn one
            return
        yield value
