"""Protobuf's wire format, canonical or refused: what other parsers may read otherwise isn't read at all.

Parsers differ where an encoding isn't the one that writers choose: numbers with more bytes than they need, tags above
32 bits, groups, a singular field that comes twice (its messages are merged), unknown fields. Any of these
could hide from this reader what onnxruntime finds. So a message has the fields of its `Shape` and no others, each
number is spelled in as few bytes as it takes (https://protobuf.dev/programming-guides/encoding/), and nothing comes
twice that may come once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from biolord_onnx.errors import ArtifactError

Kind = Literal["number", "small", "text", "bytes", "float", "message"]

VARINT, BYTES, FIXED32 = 0, 2, 5
_WIRE_TYPES: dict[Kind, int] = {
    "number": VARINT,
    "small": VARINT,
    "text": BYTES,
    "bytes": BYTES,
    "float": FIXED32,
    "message": BYTES,
}
LONGEST_TEXT = 512
_FLOAT_BYTES = 4
_VARINT_BYTES = 10
_MOST = 1 << 64
_MOST_SMALL = 1 << 31
_NUMBERS = frozenset({"number", "small"})


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a message may have.

    Attributes:
        name: As in the .proto file.
        kind: Of its values; ``small`` are 0 or more and have 31 bits: of longer ones parsers drop the rest.
        repeated: Whether it may come more than once.
        shape: Of a message.
    """

    name: str
    kind: Kind
    repeated: bool = False
    shape: Shape | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a kind of message, by their tags."""

    name: str
    by_tag: Mapping[int, Field]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was read.

    Attributes:
        at: Where it begins.
        values: Of each field that came, in order; of bytes and floats, whose content isn't looked at, the size.
    """

    at: int
    values: dict[str, list[Value]]

    def number(self, name: str) -> int | None:
        """Return a field's number, None where it didn't come."""
        return next(iter(self.numbers(name)), None)

    def text(self, name: str) -> str:
        """Return a field's text, empty where it didn't come."""
        return next(iter(self.texts(name)), "")

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a field's texts."""
        return tuple(value for value in self.values.get(name, ()) if isinstance(value, str))

    def numbers(self, name: str) -> tuple[int, ...]:
        """Return a field's numbers, or its sizes."""
        return tuple(value for value in self.values.get(name, ()) if isinstance(value, int))

    def messages(self, name: str) -> list[Message]:
        """Return a field's messages."""
        return [value for value in self.values.get(name, ()) if isinstance(value, Message)]


Value = int | str | Message


def make_shape(name: str, fields: Mapping[int, Field]) -> Shape:
    """Make a shape from fields by their numbers."""
    return Shape(name, {number << 3 | _WIRE_TYPES[field.kind]: field for number, field in fields.items()})


def read_message(data: bytes, shape: Shape, start: int = 0, end: int | None = None) -> Message:
    """Read a message.

    Args:
        data: The file.
        shape: Of the message.
        start: Where it begins.
        end: Where it ends; None for the end of the file.

    Raises:
        ArtifactError: The bytes aren't the canonical encoding of such a message.
    """
    at, end = start, len(data) if end is None else end
    values: dict[str, list[Value]] = {}
    while at < end:
        # Nearly every tag fits one byte, and this loop runs some 10,000 times: no call for those.
        tag, behind = (data[at], at + 1) if data[at] < 0x80 else read_varint(data, at, end)
        field = shape.by_tag.get(tag)
        if field is None:
            raise malformed(f"{_describe(tag)} in {shape.name}, which no export writes", at)
        value, at = _read_value(data, field, behind, end)
        if field.name not in values:
            values[field.name] = [value]
        elif field.repeated:
            values[field.name].append(value)
        else:
            raise malformed(f"the field {field.name} twice", at)
    return Message(start, values)


def _read_value(data: bytes, field: Field, at: int, end: int) -> tuple[Value, int]:
    """Read a field's value; return it and the offset behind it."""
    if field.kind == "float":
        length, begin = _FLOAT_BYTES, at
    elif at < end and data[at] < 0x80:
        length, begin = data[at], at + 1
    else:
        length, begin = read_varint(data, at, end)
    if field.kind in _NUMBERS:
        if field.kind == "small" and length >= _MOST_SMALL:
            raise malformed(f"{field.name} of more than 31 bits", at)
        return length, begin
    stop = begin + length
    if stop > end:
        raise malformed("a field longer than its message", at)
    if field.kind == "text":
        return _decode(data, begin, stop), stop
    return (read_message(data, field.shape, begin, stop) if field.shape else length), stop


def read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a number in as few bytes as it takes; return its value, below 2⁶⁴, and the offset behind it.

    Raises:
        ArtifactError: It is cut off, longer than need be, or too large.
    """
    if at < end and data[at] < 0x80:
        return data[at], at + 1
    value = 0
    for position in range(at, min(end, at + _VARINT_BYTES)):
        byte = data[position]
        value |= (byte & 0x7F) << 7 * (position - at)
        if byte < 0x80:
            if not byte or value >= _MOST:
                raise malformed("a number in another spelling than the shortest", at)
            return value, position + 1
    raise malformed("an unfinished number", at)


def _decode(data: bytes, start: int, stop: int) -> str:
    try:
        text = data[start:stop].decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed("a text that isn't UTF-8", start) from error
    # onnxruntime's messages repeat names as they are.
    if len(text) > LONGEST_TEXT or not text.isprintable():
        raise malformed(f"a name of more than {LONGEST_TEXT} characters, or of some that can't be printed", start)
    return text


def _describe(tag: int) -> str:
    return f"field {tag >> 3} of wire type {tag & 7}"


def malformed(what: str, at: int) -> ArtifactError:
    """Build the error for bytes that can't be read."""
    return ArtifactError(f"model.onnx is not a readable ONNX file: {what} near byte {at}; export the artifact again")
