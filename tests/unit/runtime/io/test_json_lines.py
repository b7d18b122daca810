"""A JSON object a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from biolord_onnx.bulk.reading import Columns, Id, Row, read_rows
from biolord_onnx.errors import InputError
from biolord_onnx.io.rows import Empty, Layout
from unit.runtime.io.reading import numbered, pairs, texts, write


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "T.JSONL"])
def test_a_member_is_read(tmp_path: Path, name: str) -> None:
    """Escapes and line breaks come back as meant."""
    content = '\ufeff{"name": "cat, \\"Felix\\""}\r\n{"id": 2, "name": "b\\u0000"}\n{"name": "two\\nlines"}'
    assert texts(write(tmp_path, name, content), "name") == ['cat, "Felix"', "b\0", "two\nlines"]


@pytest.mark.parametrize("end", ["\n\n", "\n \t\n\n", ""])
def test_blank_lines_at_the_end_are_nothing(tmp_path: Path, end: str) -> None:
    """As many tools write one."""
    assert texts(write(tmp_path, "t.jsonl", '{"name": "cat"}' + end), "name") == ["cat"]


def test_blank_lines_between_rows(tmp_path: Path) -> None:
    """Are empty rows, without anything to embed."""
    path = write(tmp_path, "t.jsonl", '{"name": "cat"}\n\n{"name": "dog"}\n')
    with pytest.raises(InputError, match=r"line 2: the row is empty: .*--empty skip"):
        texts(path, "name")
    with pytest.raises(InputError, match="line 2: the line is blank: remove it, or choose --empty skip"):
        texts(path, "name", empty="embed")
    assert texts(path, "name", empty="skip") == ["cat", "dog"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"name": "a"}\n{"name"}\n', "line 2: not JSON"),
        ("[" * 100_000 + "\n", "line 1: not JSON"),
        ("[\n", "line 1: not JSON (Expecting value: line 1 column 2 (char 1)), expected one object per line"),
        ('{"name": "a"} {"name": "b"}\n', "line 1: not JSON (Extra data"),
        ('{"name": "a"}\r{"name": "b"}\n', "line 1: a carriage return stands inside the line"),
        ('{"name": ' + "9" * 5000 + "}\n", "line 1: not JSON (Exceeds the limit"),
        ('{"name": "a", "name": "b"}\n', "line 1: not JSON ('name' stands twice in an object)"),
        ('{"name": "a", "x": {"y": 1, "y": 1}}\n', "line 1: not JSON ('y' stands twice in an object)"),
        ('["name"]\n', "line 1: list, expected a JSON object"),
        ('"name"\n', "line 1: str, expected a JSON object"),
        ("null\n", "line 1: NoneType, expected a JSON object"),
        ('{"name": "a"}\n{"id": 1}\n', "line 2 has no column 'name', it has: id"),
        ("{}\n", "line 1 has no column 'name', it has: none"),
        ('{"name": 3}\n', "line 1: column 'name' is int, expected a string"),
        ('{"name": true}\n', "line 1: column 'name' is bool, expected a string"),
        ('{"name": ["a"]}\n', "line 1: column 'name' is list, expected a string"),
        ('{"name": {}}\n', "line 1: column 'name' is dict, expected a string"),
        ('{"name": Infinity}\n', "line 1: column 'name' is float, expected a string"),
        ('{"name": "\\ud83d"}\n', "line 1: column 'name' has a lone surrogate '\\ud83d': fix"),
    ],
)
def test_broken_rows_are_refused(tmp_path: Path, content: str, message: str) -> None:
    """With file and line."""
    with pytest.raises(InputError) as raised:
        texts(write(tmp_path, "t.jsonl", content), "name")
    assert f"t.jsonl, {message}" in str(raised.value)


@pytest.mark.parametrize("value", ["null", "NaN", '""', '" "', '"\\u200b"'])
def test_empty_members(tmp_path: Path, value: str) -> None:
    """Nulls are as empty as blanks, pandas's NaN, too."""
    path = write(tmp_path, "t.jsonl", f'{{"name": "cat"}}\n{{"name": {value}}}\n{{"name": "dog"}}\n')
    with pytest.raises(InputError, match="line 2: column 'name' is empty: fill it, or choose --empty skip"):
        texts(path, "name")
    skip = Empty("skip")
    assert numbered(path, Columns("name", None, Layout(), skip)) == [(1, Row("cat")), (3, Row("dog"))]
    assert skip.count == 1
    assert texts(path, "name", empty="embed")[1].strip(" \u200b") == ""


def test_missing_members_are_nulls(tmp_path: Path) -> None:
    """Spark leaves nulls out. But where no object has the member, its name is wrong."""
    path = write(tmp_path, "t.jsonl", '{"id": 1}\n{"id": 2, "name": "cat"}\n{"name": "dog"}\n')
    with pytest.raises(InputError, match="line 1 has no column 'name', it has: id"):
        texts(path, "name")
    skip = Empty("skip")
    assert numbered(path, Columns("name", "id", Layout(), skip)) == [(2, Row("cat", 2))]
    assert skip.count == 2
    assert texts(path, "name", empty="embed") == ["", "cat", "dog"]
    for policy in ("skip", "embed"):
        with pytest.raises(InputError, match=r"t\.jsonl has no column 'nam', it has: name"):
            texts(path, "nam", empty="skip" if policy == "skip" else "embed")
    with pytest.raises(InputError, match=r"t\.jsonl has no column 'code', it has: name"):
        list(read_rows(path, Columns("name", "code", Layout(), Empty("skip"))))
    assert texts(write(tmp_path, "e.jsonl", "\n"), "name", empty="skip") == []


@pytest.mark.parametrize(
    ("value", "known_by"),
    [
        ("7", 7),
        ("-1", -1),
        ('"7"', "7"),
        ('"é"', "é"),
        ("35208414.0", 35208414),
        ("1e3", 1000),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_ids_are_read(tmp_path: Path, value: str, known_by: Id) -> None:
    """Strings and whole numbers, for pandas writes whole numbers as floats where some are missing."""
    (found,) = pairs(write(tmp_path, "t.jsonl", f'{{"name": "cat", "id": {value}}}\n'))
    assert found == ("cat", known_by)
    assert type(found[1]) is type(known_by)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("null", "column 'id' is empty"),
        ("NaN", "column 'id' is empty"),
        ('""', "column 'id' is empty"),
        ("true", "bool, expected an id"),
        ("[1]", "list, expected an id"),
        ("250.1", "is 250.1, a float that isn't a whole number or has lost digits: write ids as strings"),
        ("1e300", "is 1e+300, a float that isn't a whole number or has lost digits"),
        ("1e17", "a float that isn't a whole number or has lost digits"),
        ("Infinity", "is inf, a float that isn't"),
        ("9223372036854775808", "is 9223372036854775808, which 64 bits can't hold: write ids as strings"),
        ('"\\udc00"', "lone surrogate"),
    ],
)
def test_ids_must_be_ids(tmp_path: Path, value: str, message: str) -> None:
    """Nothing that would be written as something else."""
    with pytest.raises(InputError) as raised:
        pairs(write(tmp_path, "t.jsonl", f'{{"name": "cat", "id": {value}}}\n'))
    assert message in str(raised.value)


def test_a_null_is_no_id(tmp_path: Path) -> None:
    """Not even where empty rows are embedded."""
    path = write(tmp_path, "t.jsonl", '{"name": "cat", "id": null}\n')
    with pytest.raises(InputError, match="column 'id' is NoneType, expected an id"):
        list(read_rows(path, Columns("name", "id", Layout(), Empty("embed"))))


def test_members_must_be_chosen(tmp_path: Path) -> None:
    """The message lists them."""
    path = write(tmp_path, "t.jsonl", '{"id": 1, "name": "x"}\n')
    with pytest.raises(InputError, match=r"needs --column, one of: id, name$"):
        texts(path)
    with pytest.raises(InputError, match=r"has no column 'nam', it has: id, name$"):
        texts(path, "nam")
    with pytest.raises(InputError, match=r"has no column 'code', it has: id, name$"):
        pairs(path, known_by="code")
