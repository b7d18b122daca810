"""``biolord similar``."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.artifact.prompts import Prompts
from biolord_onnx.bulk.reading import Row
from biolord_onnx.cli.similar import Match, nearest
from biolord_onnx.embedder import Embedder
from unit.runtime.command import Biolord, run_process
from unit.runtime.tiny_artifact import MAX_LENGTH, tiny_manifest, write_tiny_artifact

LINES = ["dog", "cat scratch", "fever", "cat", "heart", "cat"]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Give a file of lines."""
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


def test_the_nearest_lines_come_first(tiny: Path, lines: Path) -> None:
    """As a process: scores and lines on stdout, best first, times on stderr."""
    outcome = run_process("similar", tiny, "cat", "--input", lines, "--top", 3)
    assert outcome.code == 0
    first, second, third = outcome.out.splitlines()
    assert (first, second) == ("1.0000  cat", "1.0000  cat")
    assert re.fullmatch(r"0\.\d{4}  .+", third)
    assert re.fullmatch(r"6 lines embedded in \d+ ms, the query in \d+\.\d ms\n", outcome.err)


def test_all_lines_where_fewer_are_there(biolord: Biolord, tiny: Path, lines: Path) -> None:
    """--top is an upper bound, ten by default."""
    assert len(biolord("similar", tiny, "cat", "--input", lines).out.splitlines()) == 6
    assert len(biolord("similar", tiny, "cat", "--input", lines, "--top", 2).out.splitlines()) == 2


def test_json(biolord: Biolord, tiny: Path, lines: Path, embedder: Embedder) -> None:
    """--json gives score, line number and text of each."""
    matches = json.loads(biolord("similar", tiny, "fever", "--input", lines, "--json").out)
    assert matches[0]["line"] == 3
    assert matches[0]["text"] == "fever"
    vectors = embedder.encode(LINES, normalize=True)
    expected = sorted((vectors @ embedder.encode("fever", normalize=True)).tolist(), reverse=True)
    np.testing.assert_allclose([match["score"] for match in matches], expected, rtol=1e-6)


def test_columns_can_be_searched(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """The lines may be a column of a table."""
    table = tmp_path / "t.csv"
    table.write_text("id,name\n1,dog\n2,cat\n", encoding="utf-8")
    outcome = biolord("similar", tiny, "cat", "--input", table, "--column", "name", "--top", 1)
    assert outcome.out == "1.0000  cat\n"


def test_empty_rows_are_counted_and_others_keep_their_numbers(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """An empty text comes first for many queries, and its vector means nothing."""
    table = tmp_path / "t.tsv"
    table.write_text("id\tname\n1\t\n2\tcat\n3\t \n4\tdog\n", encoding="utf-8")
    options = ["similar", tiny, "cat", "--input", table, "--column", "name", "--json"]
    biolord(*options).assert_error(f"{table}, line 2: column 'name' is empty: fill it, or choose --empty skip")
    skipped = biolord(*options, "--empty", "skip")
    assert {match["line"]: match["text"] for match in json.loads(skipped.out)} == {2: "cat", 4: "dog"}
    assert skipped.err.startswith(f"{table}: 2 empty rows were skipped\n2 lines embedded in ")
    embedded = biolord(*options, "--empty", "embed")
    assert len(json.loads(embedded.out)) == 4
    assert embedded.err.startswith(f"{table}: 2 empty rows were embedded all the same\n4 lines embedded in ")


@pytest.mark.parametrize("query", ["", " \t", "\u200b"])
def test_an_empty_query_is_refused(biolord: Biolord, tiny: Path, lines: Path, query: str) -> None:
    """Whatever came nearest to it would mean nothing."""
    biolord("similar", tiny, query, "--input", lines).assert_error("the query is empty: give a text to look for")


def test_a_compressed_table_of_standard_input(tiny: Path) -> None:
    """Is read once, as what it is said to be."""
    options = ["--input", "-", "--format", "tsv", "--column", "name", "--top", 1, "--empty", "skip"]
    outcome = run_process("similar", tiny, "cat", *options, stdin=gzip.compress(b"id\tname\n1\tdog\n2\tcat\n3\t\n"))
    assert outcome.out == "1.0000  cat\n"
    assert outcome.err.startswith("standard input: 1 empty row was skipped\n")


def test_no_lines_give_nothing(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """An empty file has no nearest line, and that is no error."""
    (tmp_path / "empty.txt").touch()
    outcome = biolord("similar", tiny, "cat", "--input", tmp_path / "empty.txt")
    assert (outcome.code, outcome.out) == (0, "")


def test_truncation_is_counted(biolord: Biolord, tiny: Path, lines: Path) -> None:
    """Cut lines and a cut query are counted on stderr."""
    outcome = biolord("similar", tiny, "cat " * MAX_LENGTH, "--input", lines)
    assert outcome.err.startswith("1 texts have more than 16 tokens and were cut\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--input", "x", "--top", "0"], "--top is 0, expected 1 or more"),
        ([], "the following arguments are required: --input"),
        (["--input", "x", "--format", "csv", "--delimiter", "x"], "--delimiter is 'x', expected tab, comma"),
        (["--input", "/no/such/file"], "/no/such/file: No such file or directory"),
    ],
)
def test_wrong_usage_is_one_line(biolord: Biolord, tiny: Path, options: list[str], message: str) -> None:
    """Errors are those of every command."""
    biolord("similar", tiny, "cat", *options).assert_error(message)


def test_equal_scores_keep_their_order() -> None:
    """Of lines that are equally near the earlier one comes first."""
    vectors = np.array([[0, 1], [1, 0], [0.6, 0.8], [1, 0]], dtype=np.float32)
    query = np.array([1, 0], dtype=np.float32)
    rows = [Row(text, None, number) for number, text in enumerate("abcd", start=1)]
    matches = nearest(rows, vectors, query, top=3)
    assert matches[:2] == [Match(1.0, 2, "b"), Match(1.0, 4, "d")]
    assert matches[2].text == "c"


def test_query_and_lines_get_the_prompts_for_them(
    biolord: Biolord, lines: Path, embedder: Embedder, tmp_path: Path
) -> None:
    """Where the checkpoint has some."""
    prompts = Prompts({"query": "dog ", "document": "of "})
    artifact = write_tiny_artifact(tmp_path / "prompted", replace(tiny_manifest(), prompts=prompts))
    matches = json.loads(biolord("similar", artifact, "fever", "--input", lines, "--json").out)
    query = embedder.encode("dog fever", normalize=True)
    for match in matches:
        expected = float(query @ embedder.encode("of " + match["text"], normalize=True))
        assert match["score"] == pytest.approx(expected, abs=1e-6)
