"""Reading texts from files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from biolord_onnx.cli.reading import read_texts
from biolord_onnx.errors import InputError, MissingDependencyError


def write(tmp_path: Path, name: str, content: str | bytes) -> str:
    """Write a file and return its path."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def table(tmp_path: Path, **columns: Sequence[object]) -> str:
    """Write a parquet file."""
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table(columns), path)
    return str(path)


# --- lines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("\n", [""]),
        ("a\n\n", ["a", ""]),
        ("a\r\nb\r\n", ["a", "b"]),
        (" a \n\tb", [" a ", "\tb"]),
        ("a\x0bb\x0cc\x85d\u2028e\n", ["a\x0bb\x0cc\x85d\u2028e"]),
        ("a\0b\n", ["a\0b"]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        ("\ufeff\ufeffa\n", ["\ufeffa"]),
    ],
)
def test_a_line_is_a_text(tmp_path: Path, content: str | bytes, texts: list[str]) -> None:
    """Only a newline ends a line; but for it, its carriage return and a byte order mark, all is kept."""
    assert read_texts(write(tmp_path, "l.txt", content), None) == texts


@pytest.mark.parametrize("name", ["lines", "lines.txt", "lines.tab", "x.JSON"])
def test_any_other_ending_is_lines(tmp_path: Path, name: str) -> None:
    """A file whose ending says nothing is read as lines."""
    assert read_texts(write(tmp_path, name, '{"a": 1}\n'), None) == ['{"a": 1}']


@pytest.mark.parametrize(
    ("content", "line", "byte"),
    [
        (b"\xff", 1, "ff"),
        (b"a\nb\xe9t\xe9\nc", 2, "e9"),
        (b"\xef\xbb\xbfa\n\n\xc3", 3, "c3"),
        (b"\xff\xfea\0", 1, "ff"),
    ],
)
def test_unreadable_bytes_are_found(tmp_path: Path, content: bytes, line: int, byte: str) -> None:
    """The message names the line and the byte."""
    path = write(tmp_path, "l.txt", content)
    with pytest.raises(InputError, match=f"^{path}, line {line}: byte 0x{byte} is not UTF-8: save the file as UTF-8"):
        read_texts(path, None)


@pytest.mark.parametrize("source", ["lines.txt", "-"])
def test_lines_have_no_columns(source: str) -> None:
    """--column with a file of lines is a mistake, named before anything is read."""
    with pytest.raises(InputError, match="is read as lines and has no columns: leave --column out"):
        read_texts(source, "name")


# --- tables -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", 'id,name\r\n1,"cat, ""Felix"""\r\n2,\r\n3,"two\nlines"\r\n'),
        ("t.CSV", '\ufeffname,id\n"cat, ""Felix""",1\n"",2\n"two\nlines",3\n'),
        ("t.tsv", 'id\tname\n1\t"cat, ""Felix"""\n2\t\n3\t"two\nlines"\n'),
        ("t.jsonl", '{"name": "cat, \\"Felix\\""}\n{"id": 2, "name": ""}\n{"name": "two\\nlines"}\n'),
    ],
)
def test_a_column_is_read(tmp_path: Path, name: str, content: str) -> None:
    """Quotes, commas, empty cells and line breaks inside cells come back as written."""
    assert read_texts(write(tmp_path, name, content), "name") == ['cat, "Felix"', "", "two\nlines"]


def test_a_parquet_column_is_read(tmp_path: Path) -> None:
    """Only the column asked for is read."""
    assert read_texts(table(tmp_path, id=[1, 2], name=["cat", ""]), "name") == ["cat", ""]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_a_table_without_rows(tmp_path: Path, name: str) -> None:
    """A header alone gives no texts."""
    assert read_texts(write(tmp_path, name, "name\n"), "name") == []


def test_long_cells_are_read(tmp_path: Path) -> None:
    """A note longer than the csv module's limit of 131,072 characters is no error."""
    note = "cat " * 50_000
    assert read_texts(write(tmp_path, "t.csv", f"note\n{note}\n"), "note") == [note]


@pytest.mark.parametrize(
    ("name", "content"),
    [("t.csv", "id,name\n"), ("t.tsv", "id\tname\n"), ("t.jsonl", '{"id": 1, "name": "x"}\n')],
)
def test_a_column_must_be_chosen(tmp_path: Path, name: str, content: str) -> None:
    """Without --column, or with a wrong one, the message lists the columns."""
    path = write(tmp_path, name, content)
    with pytest.raises(InputError, match=r"needs --column, one of: id, name$"):
        read_texts(path, None)
    with pytest.raises(InputError, match=r"has no column 'nam', it has: id, name$"):
        read_texts(path, "nam")


def test_a_parquet_column_must_be_chosen(tmp_path: Path) -> None:
    """The same for parquet."""
    path = table(tmp_path, id=[1], name=["x"])
    with pytest.raises(InputError, match=r"needs --column, one of: id, name$"):
        read_texts(path, None)
    with pytest.raises(InputError, match=r"has no column 'nam', it has: id, name$"):
        read_texts(path, "nam")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "t.csv has no column 'name', it has: none"),
        ("t.csv", "id,name\n1,a\n2\n", "t.csv, line 3: the row ends before column 'name'"),
        ("t.csv", 'name\n"a" b\n', "t.csv, line 2: ',' expected after '\"': mend the line"),
        ("t.csv", 'name\n"a\n', "t.csv, line 2: unexpected end of data: mend the line"),
        ("t.csv", b"name\na\n\xff\n", "t.csv, line 3: byte 0xff is not UTF-8"),
        ("t.jsonl", '{"name": "a"}\n\n', "t.jsonl, line 2: not JSON"),
        ("t.jsonl", '{"name": "a"}\n{"name"}\n', "t.jsonl, line 2: not JSON"),
        ("t.jsonl", "[" * 100_000 + "\n", "t.jsonl, line 1: not JSON"),
        ("t.jsonl", '["name"]\n', "t.jsonl, line 1: list, expected a JSON object"),
        ("t.jsonl", '{"name": "a"}\n{"id": 1}\n', "t.jsonl, line 2 has no column 'name', it has: id"),
        ("t.jsonl", '{"name": null}\n', "t.jsonl, line 1: column 'name' is NoneType, expected a string"),
        ("t.jsonl", '{"name": 3}\n', "t.jsonl, line 1: column 'name' is int, expected a string"),
        ("t.parquet", "no parquet", "t.parquet can't be read as parquet: "),
    ],
)
def test_broken_tables_are_refused(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    """Every refusal names the file and the line."""
    with pytest.raises(InputError) as raised:
        read_texts(write(tmp_path, name, content), "name")
    assert message in str(raised.value)


@pytest.mark.parametrize(("value", "kind"), [(None, "NoneType"), (3, "int")])
def test_parquet_cells_must_be_text(tmp_path: Path, value: object, kind: str) -> None:
    """A null or a number is named with its row."""
    column = ["a", value] if value is None else [value]
    row = len(column) - 1
    with pytest.raises(InputError, match=f"row {row}: column 'name' is {kind}, expected a string: drop or fill it"):
        read_texts(table(tmp_path, name=column), "name")


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the message names the extra."""
    path = table(tmp_path, name=["a"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'biolord-onnx\[parquet\]'"):
        read_texts(path, "name")
