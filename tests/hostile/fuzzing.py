"""Mutations of graphs, JSON and bytes: by seed and number, so that each case can be made again."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

from biolord_onnx.artifact.json_fields import JSON
from biolord_onnx.graph.schema import MODEL
from biolord_onnx.graph.wire import Shape, read_varint

HOSTILE_TEXTS = (
    "",
    ".",
    "..",
    "../secret",
    "/etc/passwd",
    "*/_ORT_MEM_ADDR_/*",
    "manifest.json",
    "model.onnx",
    "a\nb",
    "a\x1b[2J",
    '"""',
    "Loop",
    "com.evil",
    "x" * 5000,
    "9" * 400,
    "-1",
    "64",
    "1e999",
    "\u0301",
    "汉",
)
HOSTILE_NUMBERS = (0, 1, 2, 3, 7, 63, 64, 127, 128, 255, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1)
HOSTILE_JSON: tuple[JSON, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    0.5,
    2**31,
    10**18,
    1e308,
    [],
    {},
    [[]],
    [1, 2],
    {"type": "Sequence"},
    {"a": {"b": []}},
    *HOSTILE_TEXTS,
)


def cases(seed: int, count: int) -> Iterator[tuple[str, random.Random]]:
    """Yield a name and a source of randomness for each case."""
    for number in range(count):
        yield f"seed {seed}, case {number}", random.Random(seed << 32 | number)


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    """Flip, cut out, repeat or insert some bytes."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(out) + 1)
        stop = min(len(out), at + chance.choice((1, 1, 2, 8, 64)))
        match chance.randrange(5):
            case 0 | 1 if at < len(out):
                out[at] ^= 1 << chance.randrange(8)
            case 2:
                del out[at:stop]
            case 3:
                out[at:at] = out[at:stop]
            case _:
                out[at:at] = chance.randbytes(chance.choice((1, 2, 8)))
    return bytes(out)


# --- graphs -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Part:
    """A field of a message: its tag, what stands between tag and content, and the content or its fields."""

    tag: bytes
    length: Callable[[bytes], bytes]
    content: bytes
    inner: list[Part] | None = None


def varint(value: int, spare: int = 0) -> bytes:
    """Encode a number, in more bytes than it takes if so wished."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    if spare:
        out[-1] |= 0x80
        out += b"\x80" * (spare - 1) + b"\0"
    return bytes(out)


def _measured(content: bytes) -> bytes:
    return varint(len(content))


def _nothing(content: bytes) -> bytes:  # noqa: ARG001 - as `_measured`
    return b""


def take_apart(data: bytes, shape: Shape = MODEL) -> list[Part]:
    """Parse a well-formed message into its fields."""
    parts, at = [], 0
    while at < len(data):
        start = at
        tag, at = read_varint(data, at, len(data))
        field, written = shape.by_tag[tag], data[start:at]
        if field.kind in {"number", "small"}:
            value, stop = read_varint(data, at, len(data))
            parts.append(Part(written, _nothing, varint(value)))
        elif field.kind == "float":
            stop = at + 4
            parts.append(Part(written, _nothing, data[at:stop]))
        else:
            size, begin = read_varint(data, at, len(data))
            stop = begin + size
            inner = take_apart(data[begin:stop], field.shape) if field.shape else None
            parts.append(Part(written, _measured, data[begin:stop], inner))
        at = stop
    return parts


def put_together(parts: Sequence[Part]) -> bytes:
    """Encode fields, lengths as they now are."""
    out = bytearray()
    for part in parts:
        content = part.content if part.inner is None else put_together(part.inner)
        out += part.tag + part.length(content) + content
    return bytes(out)


def _lists(parts: list[Part]) -> Iterator[list[Part]]:
    yield parts
    for part in parts:
        if part.inner is not None:
            yield from _lists(part.inner)


def mutate_graph(data: bytes, chance: random.Random) -> bytes:
    """Change the fields of a serialized model, in ways that parsers may differ in among them."""
    parts = take_apart(data)
    for _ in range(chance.choice((1, 1, 2))):
        group = chance.choice([some for some in _lists(parts) if some])
        at = chance.randrange(len(group))
        chance.choice(_CHANGES)(group, at, chance)
    return put_together(parts)


def _spare_tag(group: list[Part], at: int, chance: random.Random) -> None:
    tag = read_varint(group[at].tag, 0, len(group[at].tag))[0] if len(group[at].tag) < 3 else 0
    group[at].tag = chance.choice((varint(tag, chance.randrange(1, 5)), varint(tag | 1 << chance.randrange(32, 64))))


def _spare_length(group: list[Part], at: int, chance: random.Random) -> None:
    if group[at].length is _measured:
        spare = chance.randrange(1, 4)
        group[at].length = lambda content: varint(len(content), spare)


def _wrong_length(group: list[Part], at: int, chance: random.Random) -> None:
    if group[at].length is _measured:
        off = chance.choice((-1, 1, 7, 2**31, 2**63, 2**64))
        group[at].length = lambda content: varint(max(0, len(content) + off))


def _repeat(group: list[Part], at: int, chance: random.Random) -> None:
    group.insert(chance.randrange(len(group) + 1), group[at])


def _remove(group: list[Part], at: int, chance: random.Random) -> None:  # noqa: ARG001 - as the others
    del group[at]


def _move(group: list[Part], at: int, chance: random.Random) -> None:
    group.insert(chance.randrange(len(group)), group.pop(at))


def _unknown(group: list[Part], at: int, chance: random.Random) -> None:
    kind = chance.choice((0, 1, 2, 3, 4, 5, 6, 7))
    group.insert(at, Part(varint(chance.randrange(1, 40) << 3 | kind), _nothing, chance.randbytes(chance.randrange(9))))


def _group(group: list[Part], at: int, chance: random.Random) -> None:
    number = chance.randrange(1, 30) << 3
    group.insert(at + 1, Part(varint(number | 4), _nothing, b""))
    group.insert(at, Part(varint(number | 3), _nothing, b""))


def _split(group: list[Part], at: int, chance: random.Random) -> None:
    inner = group[at].inner
    if inner:
        cut = chance.randrange(len(inner) + 1)
        group[at : at + 1] = [Part(group[at].tag, _measured, b"", some) for some in (inner[:cut], inner[cut:])]


def _content(group: list[Part], at: int, chance: random.Random) -> None:
    part = group[at]
    if part.inner is None and part.length is _measured:
        part.content = chance.choice((*(text.encode() for text in HOSTILE_TEXTS), mutate_bytes(part.content, chance)))
    elif part.inner is None:
        part.content = varint(chance.choice(HOSTILE_NUMBERS), chance.choice((0, 0, 0, 1)))


def _renumber(group: list[Part], at: int, chance: random.Random) -> None:
    group[at].tag = varint(chance.randrange(1, 30) << 3 | group[at].tag[0] & 7)


_CHANGES = (
    _content,
    _content,
    _group,
    _move,
    _remove,
    _renumber,
    _repeat,
    _spare_length,
    _spare_tag,
    _split,
    _unknown,
    _wrong_length,
)


# --- JSON ---------------------------------------------------------------------------------------------------


def mutate_json(text: str, chance: random.Random) -> str:
    """Change values, keys or characters of a JSON document."""
    if chance.random() < 0.25:
        return mutate_bytes(text.encode(), chance).decode("utf-8", "replace")
    value = json.loads(text)
    for _ in range(chance.choice((1, 1, 2))):
        places = list(_places(value))
        if not places:
            break
        holder, key = chance.choice(places)
        _change_json(holder, key, chance)
    return json.dumps(value)


def _places(value: JSON) -> Iterator[tuple[dict[str, JSON] | list[JSON], str | int]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from _places(inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value[:8]):
            yield value, place
            yield from _places(inner)


def _change_json(holder: dict[str, JSON] | list[JSON], key: str | int, chance: random.Random) -> None:
    if isinstance(holder, list):
        assert isinstance(key, int)
        holder[key] = deepcopy(chance.choice(HOSTILE_JSON))  # the next change may be inside
        if chance.random() < 0.2:
            del holder[key]
        return
    assert isinstance(key, str)
    match chance.randrange(4):
        case 0:
            del holder[key]
        case 1:
            holder[chance.choice(HOSTILE_TEXTS)] = holder.pop(key)
        case _:
            holder[key] = deepcopy(chance.choice(HOSTILE_JSON))
