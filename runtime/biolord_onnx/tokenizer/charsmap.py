"""sentencepiece's compiled normalization rules: whether the library can walk them without leaving them.

The format (sentencepiece's normalizer.cc, over darts-clone's double array): the size of the trie in bytes, the trie in
32-bit units, then the replacements, each ended by a 0 byte. A unit holds a value, which is where a replacement begins,
or leads by its offset to a block of 256 units, one of which follows for each byte of a text.
"""

from __future__ import annotations

import binascii
import struct

import numpy as np
from numpy.typing import NDArray

LONGEST_REPLACEMENT = 64
"""Bytes of a replacement: ``nmt_nfkc`` has some of 33."""
_SIZE = struct.Struct("<I")
_VALUE = np.uint32(1 << 31)
_LEAF = np.uint32(1 << 8)


def is_charsmap(value: object) -> bool:
    """Whether a value is a compiled table of rules, in base 64, whose every unit leads to a unit or a replacement."""
    if not isinstance(value, str):
        return False
    try:
        data = binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        return False
    if len(data) < _SIZE.size:
        return False
    (size,) = _SIZE.unpack_from(data)
    if size % 4 or not size or _SIZE.size + size > len(data):
        return False
    units = np.frombuffer(data, "<u4", size // 4, _SIZE.size)
    return _stays_inside(units, data[_SIZE.size + size :])


def _stays_inside(units: NDArray[np.uint32], replacements: bytes) -> bool:
    """Whether every step from a unit ends at a unit, and every value at the beginning of a replacement."""
    if not _are_texts(replacements):
        return False
    inner = np.flatnonzero(units < _VALUE)
    heads = units[inner].astype(np.int64)
    blocks = inner ^ (heads >> 10 << ((heads & 1 << 9) >> 6))
    # A step goes to any place of the block, by the byte that comes next; a value stands at its beginning.
    if blocks.size and int((blocks | 0xFF).max()) >= units.size:
        return False
    values = units[blocks[(units[inner] & _LEAF) != 0]]
    begins = np.unique(values & ~_VALUE).tolist()
    return all(begin < len(replacements) and (not begin or replacements[begin - 1] == 0) for begin in begins)


def _are_texts(replacements: bytes) -> bool:
    try:
        replacements.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return max(map(len, replacements.split(b"\0"))) <= LONGEST_REPLACEMENT
