"""The file that a Unigram vocabulary is mapped from."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.errors import ArtifactError
from biolord_onnx.tokenizer.pieces import MAGIC, PiecesHeader, read_pieces, write_pieces

VOCABULARY = [(b"<unk>", 0.0), (b"a", -1.5), ("é".encode(), -2.0), (b"ab", -2.25), (b"a", -7.0)]
TEXT_BYTES = sum(len(piece) for piece, _ in VOCABULARY)
HEAD = len(MAGIC) + 8


def header(vocabulary: list[tuple[bytes, float]], score_bytes: int = 4) -> PiecesHeader:
    """Describe a vocabulary."""
    return PiecesHeader(
        pieces=len(vocabulary),
        text_bytes=sum(len(piece) for piece, _ in vocabulary),
        longest=5,
        unknown=0,
        prefix=(0,),
        suffix=(2, 3),
        reserved=("<unk>",),
        frame="{}",
        score_bytes=score_bytes,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Write the vocabulary above."""
    write_pieces(tmp_path / "pieces.bin", header(VOCABULARY), VOCABULARY)
    return tmp_path / "pieces.bin"


def test_what_was_written_is_read(path: Path) -> None:
    """The header comes back as it was; of equal pieces the last has the id; strangers have none."""
    pieces = read_pieces(path)
    assert pieces.header == header(VOCABULARY)
    assert [pieces.find(piece) for piece in (b"<unk>", b"a", "é".encode(), b"ab")] == [0, 4, 2, 3]
    assert [pieces.find(piece) for piece in (b"", b"b", b"aba", b"\xc3")] == [-1] * 4
    assert list(pieces.scores) == [score for _, score in VOCABULARY]


def test_scores_keep_all_their_digits(tmp_path: Path) -> None:
    """Eight bytes hold what four don't."""
    vocabulary = [(b"a", 0.1), (b"b", -1 / 3)]
    write_pieces(tmp_path / "pieces.bin", header(vocabulary, 8), vocabulary)
    assert list(read_pieces(tmp_path / "pieces.bin").scores) == [0.1, -1 / 3]


@given(st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=60, unique=True), st.binary(max_size=6))
def test_every_piece_is_found_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, names: list[bytes], other: bytes
) -> None:
    """Whatever the hashes collide on."""
    path = tmp_path_factory.mktemp("pieces") / "pieces.bin"
    vocabulary = [(name, -float(number)) for number, name in enumerate(names)]
    write_pieces(path, header(vocabulary), vocabulary)
    pieces = read_pieces(path)
    assert [pieces.find(name) for name in names] == list(range(len(names)))
    assert pieces.find(other) == (names.index(other) if other in names else -1)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (0, "is no table of pieces (cannot mmap an empty file): export the artifact again"),
        (5, "it begins with b'BIOPI', expected b'BIOPIECE' and a length): export the artifact again"),
        (HEAD - 1, "expected b'BIOPIECE' and a length"),
        (HEAD + 10, "header is not valid JSON"),
        (-1, "is no table of pieces (buffer is smaller than requested size)"),
    ],
)
def test_a_file_cut_short_is_refused(path: Path, size: int, message: str) -> None:
    """Wherever it ends, in one line that says what to do."""
    path.write_bytes(path.read_bytes()[:size])
    refused(path, message)


def test_a_file_with_something_behind_is_refused(path: Path) -> None:
    """Its size is part of the format."""
    path.write_bytes(path.read_bytes() + b"\0" * 8)
    refused(path, "expected")


def test_another_file_is_refused(path: Path) -> None:
    """The magic number says what it is."""
    path.write_bytes(b"GGUF" + path.read_bytes()[4:])
    refused(path, "it begins with b'GGUFIECE', expected b'BIOPIECE'")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """As any other that the manifest lists."""
    refused(tmp_path / "pieces.bin", "is no table of pieces")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("pieces", 0, "pieces is 0, expected"),
        ("unknown", 5, "names piece 5 and ends at byte 11, but has 5 pieces of 11 bytes"),
        ("frame", 3, "frame is 3, expected a string"),
        ("prefix", "x", "prefix"),
        ("longest", -2, "longest is -2"),
        ("score_bytes", 8, "is no table of pieces"),
        ("score_bytes", 77, "score_bytes is 77, expected an integer of 8 or less"),
        ("score_bytes", 5, "is no table of pieces"),
        ("longest", 33, "longest is 33, expected an integer of 32 or less"),
        ("prefix", [1.5], "prefix: 0 is 1.5, expected an integer"),
        ("suffix", [2**31], "suffix: 0 is 2147483648, expected an integer of 2147483647 or less"),
        ("pieces", 10**30, "an integer of 31 digits"),
        ("text_bytes", 1 << 40, "is no table of pieces"),
    ],
)
def test_a_header_that_lies_is_refused(path: Path, key: str, value: object, message: str) -> None:
    """By name, with what it says."""
    edit_header(path, key, value)
    refused(path, message)


def test_a_slot_beyond_the_pieces_is_refused(path: Path) -> None:
    """A look-up would leave the table."""
    data = bytearray(path.read_bytes())
    slots = header(VOCABULARY).slots
    place = len(data) - TEXT_BYTES - 4 * slots
    data[place : place + 4] = struct.pack("<I", 99)
    path.write_bytes(data)
    refused(path, "names piece 98")


def test_starts_that_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    """The last one is where the text ends."""
    path = tmp_path / "pieces.bin"
    write_pieces(path, header([(b"a", 0.0)] * 8), [(b"a", 0.0)] * 8)
    data = path.read_bytes()
    starts = np.arange(9, dtype="<u4").tobytes()
    assert data.count(starts) == 1
    path.write_bytes(data.replace(starts, np.full(9, 9, dtype="<u4").tobytes()))
    refused(path, "ends at byte 9, but has 8 pieces of 8 bytes")


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Give a table of eight pieces of a letter each, whose arrays have places that are easy to find."""
    path = tmp_path / "pieces.bin"
    pieces = [(bytes([97 + number]), -1.0) for number in range(8)]
    write_pieces(path, header(pieces), pieces)
    return path


def replace_array(path: Path, before: list[float], after: list[float], kind: str) -> None:
    """Put in another array of the same size."""
    data = path.read_bytes()
    old, new = np.array(before, kind).tobytes(), np.array(after, kind).tobytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))


@pytest.mark.parametrize("starts", [[0, 1, 2, 3, 2, 5, 6, 7, 8], [1, 1, 2, 3, 4, 5, 6, 7, 8]])
def test_starts_out_of_order_are_refused(letters: Path, starts: list[float]) -> None:
    """Pieces of other letters would be found in silence."""
    replace_array(letters, list(range(9)), starts, "<u4")
    refused(letters, "has pieces that begin behind their ends")


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_are_refused(letters: Path, score: float) -> None:
    """A comparison with NaN is false: other pieces would win."""
    replace_array(letters, [-1.0] * 8, [-1.0] * 7 + [score], f"<f{header([(b'a', 0.0)]).score_bytes}")
    refused(letters, "has scores that aren't finite numbers")


def test_a_full_hash_table_is_refused(letters: Path) -> None:
    """A look-up of what isn't there would never end."""
    data = letters.read_bytes()
    letters.write_bytes(data[: -8 - 4 * 16] + np.full(16, 1, "<u4").tobytes() + data[-8:])
    refused(letters, "has 16 places in its hash table for 8 pieces")


def test_a_crowded_hash_table_is_refused(tmp_path: Path) -> None:
    """A look-up would walk along half of it: pieces in a row, as no vocabulary has them, over the table's end."""
    path = tmp_path / "pieces.bin"
    pieces = [(f"{number:04}".encode(), 0.0) for number in range(1000)]
    described = header(pieces)
    write_pieces(path, described, pieces)
    data = bytearray(path.read_bytes())
    slots = np.zeros(described.slots, "<u4")
    slots[:500] = slots[-500:] = 1
    place = len(data) - described.text_bytes - 4 * described.slots
    data[place : place + 4 * described.slots] = slots.tobytes()
    path.write_bytes(data)
    refused(path, "has 1000 pieces in a row in its hash table, expected 192 at most")


@pytest.mark.parametrize("count", [1, 2, 8, 1000, 20_000])
def test_no_vocabulary_crowds_its_table(tmp_path: Path, count: int) -> None:
    """Written and read, whatever the size."""
    pieces = [(f"piece{number}".encode(), 0.0) for number in range(count)]
    write_pieces(tmp_path / "pieces.bin", header(pieces), pieces)
    found = read_pieces(tmp_path / "pieces.bin")
    assert found.find(b"piece0") == 0
    assert found.find(b"none") == -1


def test_a_header_of_gigabytes_is_refused(path: Path) -> None:
    """A sparse file with a length to match isn't decoded."""
    data = path.read_bytes()
    path.write_bytes(MAGIC + struct.pack("<Q", 1 << 33) + data[HEAD:])
    os.truncate(path, 9 << 30)
    refused(path, "its header has 8589934592 bytes, expected 16777216 at most")


def edit_header(path: Path, key: str, value: object) -> None:
    """Set a member of the header; the arrays stay."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data, len(MAGIC))
    values = json.loads(data[HEAD : HEAD + length]) | {key: value}
    text = json.dumps(values).encode()
    arrays = data[HEAD + length + (-(HEAD + length) % 8) :]
    head = MAGIC + struct.pack("<Q", len(text)) + text
    path.write_bytes(head + b" " * (-len(head) % 8) + arrays)


def refused(path: Path, message: str) -> None:
    """Check that a table is refused with one line."""
    with pytest.raises(ArtifactError) as raised:
        read_pieces(path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
