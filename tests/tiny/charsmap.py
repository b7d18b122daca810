"""sentencepiece's compiled normalization rules, written from a table: XLM-R's tokenizer has some of them.

The format (sentencepiece's normalizer.cc, over darts-clone's double array): the size of the trie in bytes, the trie in
32-bit units, then the replacements, each ended by a 0 byte. A rule's value is where its replacement begins.
"""

from __future__ import annotations

import struct
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

LEAF = 1 << 8
"""The flag of a unit below which a rule ends."""
VALUE = 1 << 31
"""The flag of a unit that holds a rule's value."""
BLOCK = 256
"""A unit's children lie in one block: an offset of up to 21 bits without its extension is exact for these sizes."""


@dataclass
class _Node:
    value: int | None = None
    children: dict[int, _Node] = field(default_factory=dict)


def compatibility_rules(highest: int = sys.maxunicode) -> dict[str, str]:
    """Map every character up to a code point that has one to its compatibility form, and odd spaces to a space."""
    rules = {}
    for code in range(1, highest + 1):
        character = chr(code)
        form = unicodedata.normalize("NFKC", character)
        if unicodedata.category(character) == "Zs" or character in "\t\n\r\u200b\ufeff":
            form = " "
        if form != character and not 0xD800 <= code < 0xE000:
            rules[character] = form
    return rules


def compile_rules(rules: Mapping[str, str]) -> bytes:
    """Compile rules from a text to its replacement."""
    root, replacements = _Node(), bytearray()
    places: dict[str, int] = {}
    for text, form in sorted(rules.items()):
        if form not in places:
            places[form] = len(replacements)
            replacements += form.encode() + b"\0"
        node = root
        for byte in text.encode():
            node = node.children.setdefault(byte, _Node())
        node.value = places[form]
    trie = _lay_out(root)
    return struct.pack("<I", 4 * len(trie)) + struct.pack(f"<{len(trie)}I", *trie) + bytes(replacements)


def _lay_out(root: _Node) -> list[int]:
    """Put a trie into a double array: a child lies at its parent's place xor the parent's offset xor its own byte."""
    units = [0] * BLOCK
    taken = bytearray(BLOCK)
    taken[0] = 1
    waiting = [(root, 0)]
    first_free = 0
    while waiting:
        node, place = waiting.pop()
        labels = [*([0] if node.value is not None else []), *sorted(node.children)]
        while all(taken[first_free : first_free + BLOCK]) and first_free + BLOCK <= len(taken):
            first_free += BLOCK
        base = _find_base(labels, taken, max(1, first_free))
        while len(taken) <= base | 0xFF:
            taken += bytearray(BLOCK)
            units += [0] * BLOCK
        units[place] |= _offset(base ^ place)
        for label in labels:
            taken[base ^ label] = 1
            if label:
                units[base ^ label] = label
                waiting.append((node.children[label], base ^ label))
            else:
                units[place] |= LEAF
                units[base] = VALUE | (node.value or 0)
    return units


def _find_base(labels: list[int], taken: bytearray, start: int) -> int:
    base = start
    while any((base ^ label) < len(taken) and taken[base ^ label] for label in labels):
        base += 1
    return base


def _offset(offset: int) -> int:
    if offset < 1 << 21:
        return offset << 10
    raise ValueError(f"an offset of {offset} needs darts-clone's extension")
