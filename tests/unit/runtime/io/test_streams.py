"""Files that are compressed, and files that are no text."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.errors import InputError
from biolord_onnx.io.rows import Layout
from unit.runtime.io.reading import pairs, table, texts, write

CONTENTS = {
    "t.csv": 'id,name\n1,"cat, tame"\n',
    "t.tsv": "id\tname\n1\tcat, tame\n",
    "t.psv": "id|name\n1|cat, tame\n",
    "t.jsonl": '{"id": "1", "name": "cat, tame"}\n',
    "t.ndjson": '{"id": "1", "name": "cat, tame"}\n',
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("ending", [".gz", ".GZ", ""])
def test_every_text_format_may_be_compressed(tmp_path: Path, name: str, ending: str) -> None:
    """With gzip, whether the name says so or not; several streams in a row are one, as `cat` makes them."""
    head, rest = CONTENTS[name][:5].encode(), CONTENTS[name][5:].encode()
    packed = gzip.compress(head) + gzip.compress(rest)
    assert pairs(write(tmp_path, f"{name}{ending}", packed)) == [("cat, tame", "1")]


def test_lines_and_rrf_may_be_compressed(tmp_path: Path) -> None:
    """They have no header."""
    assert texts(write(tmp_path, "l.txt.gz", gzip.compress(b"cat\ndog\n"))) == ["cat", "dog"]
    assert texts(write(tmp_path, "M.RRF.gz", gzip.compress(b"C1|cat|\n")), "1") == ["cat"]


def test_standard_input_may_be_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """And be a table, if told so."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"id\tname\n1\tcat\n"))))
    assert pairs("-", Layout("tsv")) == [("cat", "1")]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"id,name\n1,cat\n")))
    assert pairs("-", Layout("csv")) == [("cat", "1")]


PACKED = gzip.compress(b"name\n" + b"cat\n" * 999, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PACKED[:-9], "is compressed with gzip and ends early: fetch or pack it again"),
        (PACKED[:20] + b"\xff\xff" + PACKED[22:], "is compressed with gzip and damaged ("),
        (PACKED[:-8] + b"\0" * 8, "is compressed with gzip and damaged ("),
        (PACKED + b"rest", "is compressed with gzip and damaged ("),
        (gzip.compress(PACKED, mtime=0), "is compressed twice: decompress it once"),
        (gzip.compress(bz2.compress(b"name\ncat\n"), mtime=0), "t.csv.gz, decompressed, is compressed with bzip2"),
        (gzip.compress("name\ncat\n".encode("utf-16"), mtime=0), "t.csv.gz, decompressed, is text in UTF-16"),
        (b"name\ncat\n", "t.csv.gz ends in .gz but isn't compressed with gzip: rename or compress it"),
        (b"", "t.csv.gz ends in .gz but isn't compressed with gzip"),
    ],
    ids=[
        "ends-early",
        "other-bytes",
        "other-checksum",
        "rest-behind",
        "twice",
        "bzip2-inside",
        "utf-16",
        "plain",
        "empty",
    ],
)
def test_damaged_streams_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """One line, not zlib's."""
    with pytest.raises(InputError) as raised:
        texts(write(tmp_path, "t.csv.gz", content), "name")
    assert message in str(raised.value)


def zipped(path: Path) -> None:
    """Write a zip archive."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("names.csv", "name\ncat\n")


def tarred(path: Path) -> None:
    """Write a tar archive."""
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("names.csv"))


def parquet(path: Path) -> None:
    """Write a Parquet file under another name."""
    Path(table(path.parent, "other", name=["cat"])).rename(path)


def array(path: Path) -> None:
    """Write a NumPy array."""
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))


MAKERS: dict[str, Callable[[Path], object]] = {
    "a zip archive or an Excel workbook": zipped,
    "a tar archive": tarred,
    "compressed with bzip2": lambda path: path.write_bytes(bz2.compress(b"cat\n")),
    "compressed with xz": lambda path: path.write_bytes(lzma.compress(b"cat\n")),
    "compressed with zstd": lambda path: path.write_bytes(b"(\xb5/\xfd\x04\x00"),
    "text in UTF-16, not in UTF-8": lambda path: path.write_bytes("cat\n".encode("utf-16")),
    "text in UTF-32, not in UTF-8": lambda path: path.write_bytes("cat\n".encode("utf-32")),
    "a Parquet file": parquet,
    "a NumPy array": array,
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(
    ("name", "column"), [("l.txt", None), ("t.csv", "name"), ("t.tsv", "name"), ("t.jsonl", "name")]
)
def test_what_is_no_text_is_named(tmp_path: Path, kind: str, name: str, column: str | None) -> None:
    """Not as bytes that aren't UTF-8; whatever the name says."""
    MAKERS[kind](tmp_path / name)
    with pytest.raises(InputError) as raised:
        texts(str(tmp_path / name), column)
    assert str(raised.value).startswith(f"{tmp_path / name} is {kind}: ")
