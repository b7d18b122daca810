"""The file ``pieces.bin``: a Unigram vocabulary as a hash table that is mapped, not loaded.

Layout, little-endian: the magic number, the header's length (uint64) and the header, a JSON object; then, each at a
multiple of 8 bytes, ``scores`` [pieces], float32 where that holds them exactly, else float64; ``starts`` uint32
[pieces + 1]; ``slots`` uint32 [slots], a power of two; and ``text``, the UTF-8 bytes of all pieces in a row. A piece's
place in ``slots`` is the CRC-32 of its bytes modulo the number of slots, or the next free one behind it; a slot holds
the piece's id plus 1, 0 if it is free.
"""

from __future__ import annotations

import json
import mmap
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.json_fields import parse_object
from biolord_onnx.artifact.manifest import LARGEST_ID
from biolord_onnx.errors import ArtifactError

MAGIC = b"BIOPIECE"
_LENGTH = struct.Struct("<Q")
_ALIGNMENT = 8
LONGEST_PIECE = 32
"""Characters of a piece: each place of a text is looked up with so many endings. sentencepiece's own limit is 16."""
LONGEST_HEADER = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PiecesHeader:
    """What a reader needs beside the table.

    Attributes:
        pieces: How many there are.
        text_bytes: Of all of them in a row.
        longest: Characters of the longest.
        unknown: Id of what no piece fits.
        prefix: Special ids in front of every text.
        suffix: Special ids behind every text.
        reserved: Strings that are tokens wherever they stand in a text.
        frame: ``tokenizer.json`` without its vocabulary: how texts are normalized and cut into words.
        score_bytes: Of a score, 4 or 8.
    """

    pieces: int
    text_bytes: int
    longest: int
    unknown: int
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    reserved: tuple[str, ...]
    frame: str
    score_bytes: int

    @property
    def slots(self) -> int:
        """Size of the hash table: a power of two, at most half full."""
        return 1 << (2 * self.pieces - 1).bit_length()

    @property
    def highest_id(self) -> int:
        """No token has a higher one."""
        return max(self.pieces - 1, *self.prefix, *self.suffix)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A mapped vocabulary.

    Attributes:
        header: As stored.
        scores: float32 or float64 [pieces], log probabilities.
        starts: uint32 [pieces + 1], where each piece begins in ``text``.
        slots: uint32 [slots], the hash table.
        text: The pieces' bytes.
    """

    header: PiecesHeader
    scores: memoryview
    starts: memoryview
    slots: memoryview
    text: memoryview

    def find(self, piece: bytes) -> int:
        """Return a piece's id, -1 if there is none."""
        slots, mask = self.slots, len(self.slots) - 1
        slot = crc32(piece) & mask
        while found := slots[slot]:
            if self.text[self.starts[found - 1] : self.starts[found]] == piece:
                return int(found) - 1
            slot = (slot + 1) & mask
        return -1


def write_pieces(path: Path, header: PiecesHeader, vocabulary: list[tuple[bytes, float]]) -> None:
    """Write a vocabulary; of equal pieces the last one is found, as in the tokenizers library.

    Args:
        path: The file.
        header: Whose counts fit the vocabulary.
        vocabulary: Pieces with their scores, by id.
    """
    starts = np.cumsum([0, *(len(piece) for piece, _ in vocabulary)], dtype=np.uint32)
    scores = np.array([score for _, score in vocabulary], dtype=f"f{header.score_bytes}")
    text = b"".join(piece for piece, _ in vocabulary)
    described = json.dumps(asdict(header)).encode()
    with path.open("wb") as stream:
        stream.write(MAGIC + _LENGTH.pack(len(described)) + described)
        for array in (scores, starts, _hash_table(vocabulary, header.slots), np.frombuffer(text, np.uint8)):
            stream.write(b" " * (-stream.tell() % _ALIGNMENT))
            stream.write(array.tobytes())


def _hash_table(vocabulary: list[tuple[bytes, float]], size: int) -> NDArray[np.uint32]:
    slots = [0] * size
    ids = {piece: number for number, (piece, _) in enumerate(vocabulary)}
    for piece, number in ids.items():
        slot = crc32(piece) & (size - 1)
        while slots[slot]:
            slot = (slot + 1) & (size - 1)
        slots[slot] = number + 1
    return np.array(slots, dtype=np.uint32)


def read_pieces(path: Path) -> Pieces:
    """Map a vocabulary into memory.

    Raises:
        ArtifactError: The file is unreadable or damaged.
    """
    try:
        with path.open("rb") as stream:
            data = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        text, begin = _header_text(data)
        header = _parse_header(text, f"{path}: header")
        pieces = Pieces(header, *_map_arrays(data, header, begin))
    except (OSError, TypeError, ValueError) as error:  # numpy's word on an unknown kind of number; an empty file
        raise ArtifactError(f"{path} is no table of pieces ({error}): export the artifact again") from error
    try:
        _check_arrays(pieces)
    except ValueError as error:
        raise ArtifactError(f"{path} {error}: export the artifact again") from error
    return pieces


def _check_arrays(pieces: Pieces) -> None:
    """Check what a look-up relies on: that it ends, soon, inside the arrays, and with scores that can be compared."""
    header, slots, starts = pieces.header, np.asarray(pieces.slots), np.asarray(pieces.starts)
    named = max(int(slots.max()) - 1, header.unknown)
    if named >= header.pieces or starts[header.pieces] != header.text_bytes:
        raise ValueError(
            f"names piece {named} and ends at byte {starts[header.pieces]}, but has {header.pieces} "
            f"pieces of {header.text_bytes} bytes"
        )
    if starts[0] or (starts[1:] < starts[:-1]).any():
        raise ValueError("has pieces that begin behind their ends")
    if not np.isfinite(np.asarray(pieces.scores)).all():
        raise ValueError("has scores that aren't finite numbers")
    taken = np.count_nonzero(slots)
    if taken > header.pieces:
        raise ValueError(f"has {taken} places in its hash table for {header.pieces} pieces")
    run, most = _longest_run(slots), 16 * header.slots.bit_length()
    if run > most:
        raise ValueError(f"has {run} pieces in a row in its hash table, expected {most} at most")


def _longest_run(slots: NDArray[np.uint32]) -> int:
    """Count the most slots in a row that aren't free, the table's end being its beginning; some slot is free."""
    free = np.flatnonzero(slots == 0)
    return int(np.diff(free, append=free[0] + len(slots)).max()) - 1


def _header_text(data: memoryview) -> tuple[str, int]:
    begin = len(MAGIC) + _LENGTH.size
    if data[: len(MAGIC)] != MAGIC or len(data) < begin:
        raise ValueError(f"it begins with {bytes(data[: len(MAGIC)])!r}, expected {MAGIC!r} and a length")
    stop = begin + _LENGTH.unpack_from(data, len(MAGIC))[0]
    if stop - begin > LONGEST_HEADER:
        raise ValueError(f"its header has {stop - begin} bytes, expected {LONGEST_HEADER} at most")
    return str(data[begin:stop], "utf-8"), stop


def _parse_header(text: str, source: str) -> PiecesHeader:
    fields = parse_object(text, source)
    return PiecesHeader(
        pieces=fields.integer("pieces", least=1, most=LARGEST_ID),
        text_bytes=fields.integer("text_bytes", least=1),
        longest=fields.integer("longest", least=1, most=LONGEST_PIECE),
        unknown=fields.integer("unknown", least=0),
        prefix=fields.integers("prefix", least=0, most=LARGEST_ID),
        suffix=fields.integers("suffix", least=0, most=LARGEST_ID),
        reserved=fields.texts("reserved"),
        frame=fields.text("frame"),
        score_bytes=fields.integer("score_bytes", least=4, most=8),
    )


def _map_arrays(data: memoryview, header: PiecesHeader, begin: int) -> list[memoryview]:
    kinds = (f"f{header.score_bytes}", "u4", "u4", "u1")
    views = []
    for kind, count in zip(kinds, (header.pieces, header.pieces + 1, header.slots, header.text_bytes), strict=True):
        begin += -begin % _ALIGNMENT
        array = np.frombuffer(data, kind, count, begin)
        views.append(array.data)  # whose items are Python's own numbers, quicker to get than an array's
        begin += array.nbytes
    if begin != len(data):
        raise ValueError(f"it has {len(data)} bytes, expected {begin}")
    return views
