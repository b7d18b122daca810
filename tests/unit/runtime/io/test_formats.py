"""Which format a file has."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biolord_onnx.bulk.reading import Columns, read_rows
from biolord_onnx.errors import InputError
from biolord_onnx.io.delimited.dialects import find_delimiter
from biolord_onnx.io.rows import EMPTY_POLICIES, ColumnOptions, Empty, EmptyPolicy, Layout
from unit.runtime.io.reading import table, texts, write


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


def test_the_name_of_a_copy_says_what_it_is(tmp_path: Path) -> None:
    """A copy may have no name of its own."""
    copy = write(tmp_path, "7", "id,name\n1,cat\n")
    assert [row.text for row in read_rows(copy, Columns("name"), "/somewhere/pipe.csv")] == ["cat"]
    with pytest.raises(InputError, match=r"^/somewhere/pipe\.csv\.gz ends in \.gz but isn't compressed with gzip"):
        list(read_rows(copy, Columns("name"), "/somewhere/pipe.csv.gz"))


@pytest.mark.parametrize("source", ["lines.txt", "-"])
def test_lines_have_no_columns(source: str) -> None:
    """--column with a file of lines is a mistake, named before anything is read."""
    with pytest.raises(
        InputError, match="is read as lines and has no columns: leave --column out, or say with --format"
    ):
        read_rows(source, Columns("name"))
    with pytest.raises(InputError, match="has no columns: leave --id-column out"):
        read_rows(source, Columns(None, "code"))
    with pytest.raises(InputError, match="leave --gold out, or say with --input-format what it is"):
        read_rows(source, Columns(more=("code",), options=ColumnOptions(more="--gold", format="--input-format")))


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


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"], exclude_characters='"|\t'), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.tuples(words, words), min_size=1, max_size=6), st.sampled_from(EMPTY_POLICIES))
def test_a_table_is_the_same_in_every_format(tmp_path: Path, rows: list[tuple[str, str]], policy: EmptyPolicy) -> None:
    """Rows, numbers, what is skipped, counted and refused."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([("id", "name"), *rows])
    plain = "".join(f"{key}\t{text}\n" for key, text in [("id", "name"), *rows])
    files = {
        "t.csv": stream.getvalue(),
        "t.tsv": plain,
        "t.psv": plain.replace("\t", "|"),
        "t.rrf": "".join(f"{key}|{text}|\n" for key, text in rows),
        "t.jsonl": "".join(json.dumps({"id": key, "name": text}) + "\n" for key, text in rows),
    }
    paths = [write(tmp_path, name, content) for name, content in files.items()]
    paths += [write(tmp_path, f"{name}.gz", gzip.compress(content.encode())) for name, content in files.items()]
    paths.append(table(tmp_path, id=[key for key, _ in rows], name=[text for _, text in rows]))
    assert len({outcome(path, policy) for path in paths}) == 1


def outcome(path: str, policy: EmptyPolicy) -> tuple[object, ...]:
    """What is read of a file, or whether it is refused for an empty row."""
    names = ("1", "0") if ".rrf" in path else ("name", "id")
    columns = Columns(*names, Layout(), Empty(policy))
    try:
        found = tuple((row.number, row.id, row.text) for row in read_rows(path, columns))
    except InputError as error:
        assert "is empty: fill it" in str(error)  # noqa: PT017 - nothing else is refused
        return ("refused",)
    return (*found, columns.empty.count)


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
