"""Which files an ONNX graph wants to read: its external-data locations, found without the onnx package.

A hostile ``model.onnx`` could name any file of the machine as its weights. This reads protobuf's wire format
(https://protobuf.dev/programming-guides/encoding/) just far enough to find those names. The field numbers are
those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, stable by protobuf's own rules.
"""

from __future__ import annotations

from biolord_onnx.errors import ArtifactError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_VARINT_BYTES = 10
_EXTERNAL_ENTRY = "StringStringEntryProto"

# Message -> field number -> message of that field; only the roads that lead to a TensorProto.
_ROADS: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {13: _EXTERNAL_ENTRY},
}
_ENTRY_KEY, _ENTRY_VALUE = 1, 2


def external_locations(data: bytes) -> frozenset[str]:
    """Return the external-data locations of every tensor in a serialised ModelProto.

    Initialisers, sparse ones too, tensor attributes, subgraphs, functions and training graphs are searched.

    Args:
        data: the content of ``model.onnx``.

    Raises:
        ArtifactError: the bytes aren't protobuf wire format, or a location isn't UTF-8.
    """
    locations = set()
    pending = [("ModelProto", 0, len(data))]
    while pending:
        message, start, end = pending.pop()
        if message == _EXTERNAL_ENTRY:
            key, value = _entry(data, start, end)
            if key == b"location":
                locations.add(_decode(value, start))
        else:
            roads = _ROADS[message]
            pending += [(roads[number], a, b) for number, a, b in _fields(data, start, end) if number in roads]
    return frozenset(locations)


def _entry(data: bytes, start: int, end: int) -> tuple[bytes, bytes]:
    """Read a StringStringEntryProto; of repeated fields the last one counts, as in protobuf."""
    fields = {number: data[a:b] for number, a, b in _fields(data, start, end)}
    return fields.get(_ENTRY_KEY, b""), fields.get(_ENTRY_VALUE, b"")


def _fields(data: bytes, start: int, end: int) -> list[tuple[int, int, int]]:
    """List number, start and end of each length-delimited field of the message in ``data[start:end]``."""
    fields = []
    at = start
    while at < end:
        # Nearly every tag fits one byte, and this loop runs some 10,000 times: no call for those.
        tag = data[at]
        tag, at = (tag, at + 1) if tag < 0x80 else read_varint(data, at, end)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == BYTES:
            length, field_start = read_varint(data, at, end)
            at = field_start + length
            fields.append((number, field_start, at))
        elif wire_type == VARINT:
            at = read_varint(data, at, end)[1]
        elif wire_type in FIXED_SIZES:
            at += FIXED_SIZES[wire_type]
        else:
            raise _malformed(f"wire type {wire_type}", at)
    if at > end:
        raise _malformed("a field longer than its message", end)
    return fields


def read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a base-128 varint; return its value and the offset behind it."""
    if at < end and data[at] < 0x80:
        return data[at], at + 1
    value = 0
    for position in range(at, min(end, at + _VARINT_BYTES)):
        byte = data[position]
        value |= (byte & 0x7F) << 7 * (position - at)
        if byte < 0x80:
            return value, position + 1
    raise _malformed("an unfinished number", at)


def _decode(value: bytes, at: int) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed("an external-data location that isn't UTF-8", at) from error


def _malformed(what: str, at: int) -> ArtifactError:
    return ArtifactError(f"model.onnx is not a readable ONNX file: {what} near byte {at}; export the artefact again")
