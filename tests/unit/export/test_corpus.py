"""The texts that come with the exporter, and those a user brings."""

from __future__ import annotations

import gzip
import hashlib
import unicodedata
from pathlib import Path

import pytest

from biolord_export.corpus import (
    FEWEST_TEXTS,
    Corpus,
    builtin_calibration,
    builtin_verification,
    read_calibration,
    read_lines,
)
from biolord_export.errors import ExportError
from biolord_onnx.errors import InputError

pytestmark = pytest.mark.usefixtures("all_texts")

ENOUGH = [f"name number {number}" for number in range(FEWEST_TEXTS)]


def folded(text: str) -> str:
    """What a reader takes in of a text: case, spaces and punctuation set aside, unless there is nothing else."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if character.isalnum()) or text


def written(folder: Path, content: bytes) -> Path:
    """Write a file of texts."""
    path = folder / "texts.txt"
    path.write_bytes(content)
    return path


def test_no_verification_text_is_a_calibration_text() -> None:
    """Fidelity is measured on texts that calibration never saw, not even in another spelling."""
    seen = {folded(text) for text in builtin_calibration().texts}
    for kind, texts in builtin_verification().items():
        assert {text for text in texts if folded(text) in seen} == set(), kind


def test_no_text_stands_twice() -> None:
    """A text counted twice would weigh twice, and its copy would be its nearest neighbor."""
    groups = {"calibration": builtin_calibration().texts, **builtin_verification()}
    for kind, texts in groups.items():
        assert len({text.casefold() for text in texts}) == len(texts), kind


def test_there_are_enough_texts_to_measure_on() -> None:
    """At least 1,000 names and 200 passages, and texts outside medicine beside them."""
    texts = builtin_verification()
    assert set(texts) == {"names", "passages", "general"}
    assert len(texts["names"]) >= 1000
    assert len(texts["passages"]) >= 200
    assert len(texts["general"]) >= 100
    assert len(builtin_calibration().texts) >= 300


def test_names_are_short_and_passages_are_long() -> None:
    """They have the lengths that people's texts have."""
    texts = builtin_verification()
    assert max(map(len, texts["names"])) < 150
    assert sorted(map(len, texts["passages"]))[len(texts["passages"]) // 2] > 400


def test_every_built_in_text_is_a_clean_line() -> None:
    """No empty line and no stray space, which `splitlines` and an editor would treat differently."""
    for texts in (builtin_calibration().texts, *builtin_verification().values()):
        assert all(text.strip() == text and text for text in texts)


def test_the_digest_depends_on_every_text_and_on_their_order() -> None:
    """A manifest with the same digest was calibrated on the same texts."""
    corpus = Corpus(("fever", "cough"), "here")
    assert corpus.sha256() == hashlib.sha256(b"fever\ncough").hexdigest()
    assert corpus.sha256() != Corpus(("cough", "fever"), "here").sha256()


def test_a_users_file_is_read_line_by_line(tmp_path: Path) -> None:
    """Empty lines, spaces at the ends, Windows line ends and a byte order mark are no part of a text."""
    lines = ["\ufeffMénière", "", "  ", *ENOUGH, "  last  "]
    corpus = read_calibration(written(tmp_path, "\r\n".join(lines).encode()))
    assert corpus == Corpus(("Ménière", *ENOUGH, "last"), "texts.txt")


def test_too_few_texts_are_refused_with_both_numbers(tmp_path: Path) -> None:
    """A handful leaves ranges to chance."""
    path = written(tmp_path, "\n".join(ENOUGH[1:]).encode())
    with pytest.raises(
        ExportError, match=rf"texts\.txt has {FEWEST_TEXTS - 1} calibration texts, at least {FEWEST_TEXTS}"
    ):
        read_calibration(path)


@pytest.mark.parametrize("content", [b"", b"\n\n\n"])
def test_an_empty_file_has_no_texts(tmp_path: Path, content: bytes) -> None:
    """It is refused like any that is too short."""
    with pytest.raises(ExportError, match="has 0 calibration texts"):
        read_calibration(written(tmp_path, content))


def test_a_line_that_is_not_utf8_is_named_by_number(tmp_path: Path) -> None:
    """The number is that of the file, empty lines counted, so that an editor finds it."""
    path = written(tmp_path, b"fever\n\ncaf\xe9\ncough\n")
    with pytest.raises(InputError, match=r"texts\.txt, line 3: byte 0xe9 is not UTF-8: save the file as UTF-8"):
        read_lines(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """So is the operating system's reason."""
    with pytest.raises(ExportError, match=r"nowhere\.txt can't be read \(No such file"):
        read_calibration(tmp_path / "nowhere.txt")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A wrong path gives the same kind of line."""
    with pytest.raises(InputError, match="is a table: give its texts, one per line"):
        read_lines(tmp_path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_and_gzip(tmp_path: Path, end: str) -> None:
    """As everywhere else; signs that nobody sees make no text."""
    path = tmp_path / "texts.txt.gz"
    path.write_bytes(gzip.compress(end.join(["fever", "", "\u200b", " cough "]).encode()))
    assert read_lines(path) == ["fever", "cough"]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv.gz", "t.jsonl", "t.parquet", "t.RRF"])
def test_a_table_is_no_file_of_lines(tmp_path: Path, name: str) -> None:
    """Its codes and commas would be calibrated on."""
    (tmp_path / name).write_bytes(b"id,name\n1,cat\n")
    with pytest.raises(InputError, match=f"{name} is a table: give its texts, one per line, as .txt"):
        read_lines(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("cat\n".encode("utf-16"), "is text in UTF-16, not in UTF-8"),
        (b"PK\x03\x04", "is a zip archive or an Excel workbook"),
        (b"c\0a\0t\0\n", "line 1: a NUL byte"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """By what it is."""
    with pytest.raises(InputError, match=message):
        read_lines(written(tmp_path, content))
