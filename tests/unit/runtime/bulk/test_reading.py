"""Reading texts from files."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from biolord_onnx.bulk.reading import Columns, Row, decode, read_rows, read_texts
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
        ("t.csv", "name,id,name\na,1,b\n", "t.csv has several columns 'name': name, id, name: rename those that"),
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
        ("t.jsonl", '{"name": "\\ud83d"}\n', "t.jsonl, line 1: column 'name' has a lone surrogate '\\ud83d': mend"),
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
    with pytest.raises(MissingDependencyError, match=r"pip install 'biolord-onnx\[cpu,parquet\]'"):
        read_texts(path, "name")


# --- rows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("t.csv", "code,name\n7,cat\nx,\n", [Row("cat", "7"), Row("", "x")]),
        ("t.tsv", "code\tname\n7\tcat\n", [Row("cat", "7")]),
        ("t.jsonl", '{"name": "cat", "code": 7}\n{"name": "é", "code": -1}\n', [Row("cat", 7), Row("é", -1)]),
        ("t.csv", "code,name\r1,cat\r2,dog\r", [Row("cat", "1"), Row("dog", "2")]),
    ],
)
def test_rows_have_ids(tmp_path: Path, name: str, content: str, rows: list[Row]) -> None:
    """As they stand in the file; spreadsheets of old end their lines with a carriage return alone."""
    assert list(read_rows(write(tmp_path, name, content), Columns("name", "code"))) == rows


def test_parquet_rows_have_ids(tmp_path: Path) -> None:
    """One column may even be both."""
    path = table(tmp_path, id=[1, 2], name=["cat", "é"])
    assert list(read_rows(path, Columns("name", "id"))) == [Row("cat", 1), Row("é", 2)]
    assert list(read_rows(path, Columns("name", "name"))) == [Row("cat", "cat"), Row("é", "é")]


def test_parquet_is_read_in_pieces(tmp_path: Path) -> None:
    """Rows are numbered through all batches."""
    names: list[str | None] = ["cat"] * 9000
    names[8999] = None
    with pytest.raises(InputError, match="row 8999: column 'name' is NoneType"):
        read_texts(table(tmp_path, name=names), "name")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("null", "NoneType, expected an id"),
        ("true", "bool, expected an id"),
        ("1.5", "float, expected an id"),
        ("9223372036854775808", "is 9223372036854775808, which 64 bits can't hold: write ids as strings"),
        ('"\\udc00"', "lone surrogate"),
    ],
)
def test_ids_must_be_ids(tmp_path: Path, value: str, message: str) -> None:
    """Strings or whole numbers: nothing that would be written as something else."""
    path = write(tmp_path, "t.jsonl", f'{{"name": "cat", "code": {value}}}\n')
    with pytest.raises(InputError) as raised:
        list(read_rows(path, Columns("name", "code")))
    assert message in str(raised.value)


@pytest.mark.parametrize(("name", "content"), [("t.csv", "id,name\n"), ("t.jsonl", '{"id": 1, "name": "x"}\n')])
def test_the_id_column_must_exist(tmp_path: Path, name: str, content: str) -> None:
    """The message lists the columns."""
    with pytest.raises(InputError, match=r"has no column 'code', it has: id, name$"):
        list(read_rows(write(tmp_path, name, content), Columns("name", "code")))
    with pytest.raises(InputError, match=r"is read as lines and has no columns: leave --id-column out"):
        read_rows("lines.txt", Columns(None, "code"))


def test_a_file_is_read_as_it_is_needed(tmp_path: Path) -> None:
    """The first row comes before a broken later one is looked at."""
    rows = read_rows(write(tmp_path, "t.txt", b"a\n\xff\n"), Columns())
    assert next(rows) == Row("a")
    with pytest.raises(InputError, match="line 2"):
        next(rows)


def test_a_whole_file_is_decoded(tmp_path: Path) -> None:
    """With the line ends it has, without its byte order mark."""
    assert decode(write(tmp_path, "t", "\ufeffa\r\nb\rc")) == "a\r\nb\rc"


def test_standard_input_is_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """For commands that read it once."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("cat\r\nfièvre".encode())))
    assert read_texts("-", None) == ["cat", "fièvre"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    with pytest.raises(InputError, match=r"^standard input, line 1: byte 0xff is not UTF-8"):
        read_texts("-", None)
