"""Protobuf's wire format (https://protobuf.dev/programming-guides/encoding/): just enough to count and build matmuls.

The reader is for files that onnxruntime has loaded, hence well formed.
"""

from __future__ import annotations

from collections.abc import Iterator

from biolord_onnx.onnx_wire import BYTES, FIXED32, VARINT, read_varint

FIXED64 = 1
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a message; numbers of fixed size come as their bytes."""
    at = 0
    while at < len(message):
        tag, at = read_varint(message, at, len(message))
        kind = tag & 7
        if kind == VARINT:
            value, at = read_varint(message, at, len(message))
            yield tag >> 3, value
            continue
        size = FIXED_SIZES.get(kind)
        if size is None:
            size, at = read_varint(message, at, len(message))
        yield tag >> 3, message[at : at + size]
        at += size


def numbers(value: int | bytes) -> list[int]:
    """Return what stands in one entry of a repeated integer field, packed or not."""
    if isinstance(value, int):
        return [value]
    found, at = [], 0
    while at < len(value):
        number, at = read_varint(value, at, len(value))
        found.append(number)
    return found


def field(number: int, value: int | bytes | str) -> bytes:
    """Write a field: an integer of 0 or more, bytes, a string or a message that was written so."""
    if isinstance(value, int):
        return _varint(number << 3 | VARINT) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])
