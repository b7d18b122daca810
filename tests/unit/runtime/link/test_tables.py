"""Links as CSV, JSON lines and Parquet."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from biolord_onnx.errors import InputError
from biolord_onnx.link.formats.choosing import FORMATS, find_form
from biolord_onnx.link.links import Link, Sheet
from unit.runtime.link.made import hit, link, written

SHEET = Sheet("name", "id", ("ward", "code"), ("domain_id",), no_match="0")
LINKS = [
    link("cat bite", hit("1", "Cat bite", 1.0, exact=True), hit("2", "Dog bite"), known_by=7, kept=("A", "x")),
    link("no", known_by=8, kept=("", "y")),
]


def rows_of(content: bytes) -> list[dict[str, str]]:
    """Read CSV as others do."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_csv_has_the_input_and_a_row_a_candidate() -> None:
    """Its own columns can't be taken for those of the input, whatever they are called."""
    first, second, third = rows_of(written("csv", SHEET, LINKS))
    assert list(first) == [
        *("id", "name", "ward", "code", "match_rank", "match_code", "match_name", "match_score", "match_exact"),
        "match_domain_id",
    ]
    assert list(first.values()) == ["7", "cat bite", "A", "x", "1", "1", "Cat bite", "1.0", "true", "Condition"]
    assert list(second.values()) == ["7", "cat bite", "A", "x", "2", "2", "Dog bite", "0.75", "false", "Condition"]
    assert list(third.values()) == ["8", "no", "", "y", "", "0", "", "", "", ""]


def test_columns_of_one_name_are_refused() -> None:
    """Nobody could tell them apart."""
    with pytest.raises(InputError, match="the output would have two columns 'match_name': rename one"):
        FORMATS["parquet"].check(Sheet("match_name"), None)
    FORMATS["csv"].check(SHEET, None)


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))))
def test_csv_changes_no_text(texts: list[tuple[str, str]]) -> None:
    """Whatever it holds: it comes back as it was."""
    links = [link(text, hit("1", name), kept=(name,)) for text, name in texts]
    found = rows_of(written("csv", Sheet("text", None, ("kept",)), links))
    assert [(row["text"], row["match_name"], row["kept"]) for row in found] == [(*both, both[1]) for both in texts]


@given(st.floats(-1, 1, width=32))
def test_scores_keep_their_digits(score: float) -> None:
    """The float32 comes back, in as few digits as that takes."""
    links = [link("a", hit("1", "b", score))]
    (row,) = rows_of(written("csv", Sheet("text"), links))
    assert np.float32(row["match_score"]) == np.float32(score)
    assert np.float32(json.loads(written("jsonl", Sheet("text"), links))["matches"][0]["score"]) == np.float32(score)


def test_json_lines_have_a_line_a_term() -> None:
    """Its candidates stand in it."""
    first, second = map(json.loads, written("jsonl", SHEET, LINKS).splitlines())
    assert first == {
        "id": 7,
        "text": "cat bite",
        "kept": {"ward": "A", "code": "x"},
        "matches": [
            {"code": "1", "name": "Cat bite", "score": 1.0, "exact": True, "kept": {"domain_id": "Condition"}},
            {"code": "2", "name": "Dog bite", "score": 0.75, "exact": False, "kept": {"domain_id": "Condition"}},
        ],
    }
    assert second["matches"] == []
    FORMATS["jsonl"].check(SHEET, None)
    assert written("jsonl", Sheet("name"), [link("é")]) == '{"text": "é", "matches": []}\n'.encode()


def test_parquet_has_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """And as many row groups as it takes."""
    monkeypatch.setattr("biolord_onnx.link.formats.parquet.GROUP_ROWS", 2)
    table = parquet.read_table(io.BytesIO(written("parquet", SHEET, LINKS)))
    assert table.column("match_rank").to_pylist() == [1, 2, None]
    assert table.column("match_score").to_pylist() == [1.0, 0.75, None]
    assert table.column("match_exact").to_pylist() == [True, False, None]
    assert table.column("match_code").to_pylist() == ["1", "2", "0"]
    assert table.column("id").to_pylist() == ["7", "7", "8"]
    assert table.schema.field("match_score").type == pa.float32()
    assert table.schema.field("match_rank").type == pa.int32()
    empty = parquet.read_table(io.BytesIO(written("parquet", SHEET, list[Link]())))
    assert (empty.num_rows, empty.schema) == (0, table.schema)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("o.csv", "csv"), ("o.JSONL", "jsonl"), ("o.parquet", "parquet"), ("o.ndjson", "jsonl")),
        *(("o.usagi.csv", "usagi"), ("o.sssom.tsv", "sssom")),
    ],
)
def test_the_name_says_the_form(name: str, expected: str) -> None:
    """As OHDSI and SSSOM name such files."""
    assert find_form(name) == expected


def test_a_name_that_says_nothing_is_refused() -> None:
    """With what can be said."""
    with pytest.raises(InputError, match=r"o\.tsv ends in none of \.sssom\.tsv, .*: choose one of them, or say"):
        find_form("o.tsv")
