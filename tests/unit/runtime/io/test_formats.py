"""Which format a file has."""

from __future__ import annotations

from pathlib import Path

import pytest

from biolord_onnx.bulk.reading import Columns, read_rows
from biolord_onnx.errors import InputError
from biolord_onnx.io.dialects import find_delimiter
from biolord_onnx.io.rows import Layout
from unit.runtime.io.reading import texts, write


@pytest.mark.parametrize("name", ["lines", "lines.txt", "lines.dat", "lines.v2"])
def test_any_other_ending_is_lines(tmp_path: Path, name: str) -> None:
    """A file whose ending says nothing is read as lines."""
    assert texts(write(tmp_path, name, '{"a": 1}\n')) == ['{"a": 1}']


@pytest.mark.parametrize(
    "name", ["a.json", "a.JSON.gz", "a.xml", "a.xlsx", "a.arrow", "a.csv.zst", "a.csv.bz2", "a.zip"]
)
def test_other_structures_are_no_lines(tmp_path: Path, name: str) -> None:
    """A JSON document has brackets on lines of their own; unless somebody says it has not."""
    path = write(tmp_path, name, '{"name": "cat"}\n')
    with pytest.raises(InputError, match="is no text a line: "):
        texts(path)
    if not name.endswith(".gz"):
        assert texts(path, "name", Layout("jsonl")) == ["cat"]
        assert texts(path, None, Layout("lines")) == ['{"name": "cat"}']


@pytest.mark.parametrize("source", ["lines.txt", "-"])
def test_lines_have_no_columns(source: str) -> None:
    """--column with a file of lines is a mistake, named before anything is read."""
    with pytest.raises(
        InputError, match="is read as lines and has no columns: leave --column out, or say with --format"
    ):
        read_rows(source, Columns("name"))
    with pytest.raises(InputError, match="has no columns: leave --id-column out"):
        read_rows(source, Columns(None, "code"))


@pytest.mark.parametrize(
    ("name", "layout", "option"),
    [
        ("a.jsonl", Layout(delimiter=","), "jsonl, which has no --delimiter"),
        ("a.parquet", Layout(quoting="none"), "parquet, which has no --quoting"),
        ("a.txt", Layout("lines", header=False), "lines, which has no --no-header"),
    ],
)
def test_only_tables_of_text_have_a_dialect(name: str, layout: Layout, option: str) -> None:
    """An option that would do nothing is refused."""
    with pytest.raises(InputError, match=f"is read as {option}: leave it out, or say --format csv"):
        read_rows(name, Columns("name", None, layout))


@pytest.mark.parametrize(
    ("given", "sign"),
    [
        ("tab", "\t"),
        ("\t", "\t"),
        ("\\t", "\t"),
        ("comma", ","),
        (",", ","),
        ("semicolon", ";"),
        (";", ";"),
        ("|", "|"),
        ("pipe", "|"),
    ],
)
def test_delimiters_have_names(given: str, sign: str) -> None:
    """A tab is hard to type."""
    assert find_delimiter(given) == sign


@pytest.mark.parametrize("given", ["", "x", ",,", "space"])
def test_other_delimiters_are_refused(given: str) -> None:
    """With those that there are."""
    with pytest.raises(
        InputError, match=r"--delimiter is .*, expected tab, comma, semicolon, pipe, or the sign itself"
    ):
        find_delimiter(given)
