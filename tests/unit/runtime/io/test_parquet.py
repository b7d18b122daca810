"""Parquet files and folders of them."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from biolord_onnx.bulk.reading import Columns, Id, Row, read_rows
from biolord_onnx.errors import InputError, MissingDependencyError
from biolord_onnx.io.rows import Empty, Layout
from unit.runtime.io.reading import numbered, pairs, table, texts, write


def test_a_column_is_read(tmp_path: Path) -> None:
    """One column may be both text and id."""
    path = table(tmp_path, id=[1, 2], name=["cat", "é"])
    assert texts(path, "name") == ["cat", "é"]
    assert pairs(path) == [("cat", 1), ("é", 2)]
    assert pairs(path, known_by="name") == [("cat", "cat"), ("é", "é")]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_every_kind_of_string_is_read(tmp_path: Path, kind: pa.DataType) -> None:
    """However it is stored."""
    assert texts(table(tmp_path, name=pa.array(["cat", "dog", "cat"], kind)), "name") == ["cat", "dog", "cat"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1], "int64"), ([b"a"], "binary"), ([1.5], "double"), ([True], "bool"), ([["a"]], "list<element: string>")],
)
def test_texts_must_be_strings(tmp_path: Path, values: Sequence[object], kind: str) -> None:
    """The column's type is named before a row is read."""
    with pytest.raises(
        InputError, match=f"column 'name' is {kind}, expected strings: cast it, or choose another column"
    ):
        texts(table(tmp_path, name=values), "name")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_empty_cells(tmp_path: Path, value: str | None) -> None:
    """As in other formats; rows are numbered from 0 through all batches."""
    path = table(tmp_path, name=["cat"] * 9000 + [value, "dog"])
    with pytest.raises(InputError, match="row 9000: column 'name' is empty: fill it, or choose --empty skip"):
        texts(path, "name")
    skip = Empty("skip")
    assert numbered(path, Columns("name", None, Layout(), skip))[-1] == (9002, Row("dog"))
    assert skip.count == 1
    assert texts(path, "name", empty="embed")[9000] == (value or "")


def test_a_column_of_nulls(tmp_path: Path) -> None:
    """Has no type of its own."""
    assert texts(table(tmp_path, name=pa.nulls(2)), "name", empty="embed") == ["", ""]


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        (pa.array([1, 2], pa.int8()), [1, 2]),
        (pa.array([1, 2], pa.uint64()), [1, 2]),
        (pa.array([35208414.0, 2.0]), [35208414, 2]),
        (pa.array([Decimal(35208414), Decimal(2)], pa.decimal128(38, 0)), [35208414, 2]),
        (pa.array([Decimal("1.00"), Decimal("2.00")], pa.decimal128(38, 2)), [1, 2]),
        (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
    ],
)
def test_ids_are_read(tmp_path: Path, values: pa.Array, ids: list[Id]) -> None:
    """Whole numbers are integers, however databases and pandas store them."""
    found = [known_by for _, known_by in pairs(table(tmp_path, id=values, name=["cat", "dog"]))]
    assert found == ids
    assert [type(known_by) for known_by in found] == [type(known_by) for known_by in ids]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([1.5]), "row 0: column 'id' is 1.5, a float that isn't a whole number or has lost digits"),
        (pa.array([Decimal("250.1")]), "row 0: column 'id' is 250.1, a Decimal that isn't a whole number"),
        (pa.array([Decimal(2) ** 64]), "row 0: column 'id' is 18446744073709551616, which 64 bits can't hold"),
        (pa.array([2**64 - 1], pa.uint64()), "which 64 bits can't hold"),
        (pa.array([True]), "row 0: column 'id' is bool, expected an id"),
        (pa.array([0], pa.timestamp("ms")), "row 0: column 'id' is datetime, expected an id"),
        (pa.array([b"x"]), "row 0: column 'id' is bytes, expected an id"),
        (pa.array([None], pa.int64()), "row 0: column 'id' is empty"),
        (pa.array([float("nan")]), "row 0: column 'id' is empty"),
    ],
)
def test_ids_must_be_ids(tmp_path: Path, values: pa.Array, message: str) -> None:
    """Nothing that would be written as something else."""
    with pytest.raises(InputError) as raised:
        pairs(table(tmp_path, id=values, name=["cat"]))
    assert message in str(raised.value)


def test_a_column_must_be_chosen(tmp_path: Path) -> None:
    """The message lists the columns."""
    path = table(tmp_path, id=[1], name=["x"])
    with pytest.raises(InputError, match=r"needs --column, one of: id, name$"):
        texts(path)
    with pytest.raises(InputError, match=r"has no column 'nam', it has: id, name$"):
        texts(path, "nam")
    with pytest.raises(InputError, match=r"has no column 'code', it has: id, name$"):
        pairs(path, known_by="code")


def test_strings_that_are_no_utf_8(tmp_path: Path) -> None:
    """Their row is named."""
    raw = pa.array([b"ab", b"c\xff", b"ef"], pa.binary())
    spoiled = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    with pytest.raises(InputError, match="row 1: column 'name' is not UTF-8: write the file anew"):
        texts(table(tmp_path, name=spoiled), "name")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "can't be read as parquet: "),
        (b"no parquet", "can't be read as parquet: "),
        (gzip.compress(b"PAR1", mtime=0), "is compressed with gzip, not Parquet: decompress it first"),
        (b"PK\x03\x04", "is a zip archive or an Excel workbook, not Parquet"),
    ],
)
def test_what_is_no_parquet_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """Not only that it can't be read."""
    with pytest.raises(InputError) as raised:
        texts(write(tmp_path, "t.parquet", content), "name")
    assert f"t.parquet {message}" in str(raised.value)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    """Arrow raises errors of several kinds; each is one line with the file's name."""
    path = Path(table(tmp_path, name=[f"cat {number}" for number in range(500)]))
    whole = path.read_bytes()
    for at in range(4, len(whole) - 8, 97):
        path.write_bytes(whole[:at] + bytes(255 - byte for byte in whole[at : at + 9]) + whole[at + 9 :])
        try:
            assert len(texts(str(path), "name")) == 500
        except InputError as error:
            assert str(error).startswith(str(path))  # noqa: PT017 - not every byte matters


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """By the system's error."""
    with pytest.raises(FileNotFoundError):
        texts(str(tmp_path / "t.parquet"), "name")


def test_compressed_once_more(tmp_path: Path) -> None:
    """Nobody gains by that."""
    with pytest.raises(InputError, match=r"is Parquet, which is compressed inside: decompress the file first"):
        texts(write(tmp_path, "t.parquet.gz", gzip.compress(b"")), "name")


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the message names the extra."""
    path = table(tmp_path, name=["a"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'biolord-onnx\[cpu,parquet\]'"):
        texts(path, "name")


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is held in memory: Parquet is read from its end."""
    content = Path(table(tmp_path, name=["cat"])).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert texts("-", "name", Layout("parquet")) == ["cat"]


# --- folders ---------------------------------------------------------------------------------------------------------


def test_a_folder_of_parts(tmp_path: Path) -> None:
    """As Spark writes them: in order of names, without its marks; rows are numbered through all of them."""
    folder = tmp_path / "names.parquet"
    (folder / "year=2024").mkdir(parents=True)
    table(folder, "part-0001.snappy.parquet", id=[3], name=["ant"])
    table(folder, "part-0000.snappy.parquet", id=[1, 2], name=["cat", None])
    table(folder, "part-0002.parquet", id=pa.array([], pa.int64()), name=pa.array([], pa.string()))
    table(folder / "year=2024", "part-0003.parquet", id=[4], name=["dog"])
    for mark in ("_SUCCESS", ".part-0000.snappy.parquet.crc", "_metadata"):
        (folder / mark).touch()
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "x.csv").touch()
    skip = Empty("skip")
    found = numbered(str(folder), Columns("name", "id", Layout(), skip))
    assert found == [(1, Row("cat", 1)), (3, Row("ant", 3)), (4, Row("dog", 4))]
    assert skip.count == 1
    with pytest.raises(InputError, match=r"names\.parquet/part-0000\.snappy\.parquet, row 1: column 'name' is empty"):
        list(read_rows(str(folder), Columns("name")))


def test_other_folders_are_refused(tmp_path: Path) -> None:
    """Empty ones, and those with files of another kind."""
    with pytest.raises(InputError, match=r"is a folder without \.parquet files: give a file, or a folder of them"):
        texts(str(tmp_path), "name")
    table(tmp_path, name=["a"])
    write(tmp_path, "a.csv", "name\n")
    with pytest.raises(InputError, match=r"is a folder with a\.csv: give a file, or a folder of \.parquet files alone"):
        texts(str(tmp_path), "name")
