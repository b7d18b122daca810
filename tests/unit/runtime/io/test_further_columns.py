"""Columns that are read beside text and id: what an index keeps."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from biolord_onnx.bulk.reading import Columns, Row, read_rows
from biolord_onnx.errors import InputError

COLUMNS = Columns("name", "id", more=("class", "when"))


def read(path: Path, columns: Columns = COLUMNS) -> list[Row]:
    """Read all rows."""
    return list(read_rows(str(path), columns))


def test_of_a_table_of_text(tmp_path: Path) -> None:
    """As they stand there; nulls of databases are nothing."""
    path = tmp_path / "t.csv"
    path.write_text('when,name,class,id\n2020,cat,"a, b",1\n\\N,dog,,2\n', "utf-8")
    assert [(row.text, row.id, row.more) for row in read(path)] == [
        ("cat", "1", ("a, b", "2020")),
        ("dog", "2", ("", "")),
    ]


def test_of_lines_of_json(tmp_path: Path) -> None:
    """Numbers and truth values as JSON writes them; members may be missing, but not everywhere."""
    path = tmp_path / "t.jsonl"
    rows = [{"id": 1, "name": "cat", "class": True, "when": 1.5}, {"id": 2, "name": "dog", "class": None}]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    assert [row.more for row in read(path)] == [("true", "1.5"), ("", "")]
    with pytest.raises(InputError, match="has no column 'kind', it has: id, name, class"):
        read(path, Columns("name", "id", more=("kind",)))
    path.write_text('{"id": 1, "name": "cat", "class": ["a"], "when": 0}\n', "utf-8")
    with pytest.raises(InputError, match="column 'class' is list, expected a text, a number or a date"):
        read(path)
    path.write_text('{"id": 1, "name": "cat", "class": "\\ud800", "when": 0}\n', "utf-8")
    with pytest.raises(InputError, match="column 'class' has a lone surrogate"):
        read(path)


def test_of_parquet(tmp_path: Path) -> None:
    """Dates and decimals; a column may be read twice."""
    path = tmp_path / "t.parquet"
    table = {
        "id": [1, 2],
        "name": ["cat", "dog"],
        "class": pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)),
        "when": [dt.date(2020, 1, 31), None],
    }
    parquet.write_table(pa.table(table), path)
    assert [row.more for row in read(path)] == [("1.50", "2020-01-31"), ("", "")]
    assert [row.more for row in read(path, Columns("name", more=("name", "id")))] == [("cat", "1"), ("dog", "2")]


def test_lines_have_none(tmp_path: Path) -> None:
    """Whatever the option is called."""
    path = tmp_path / "t.txt"
    path.write_text("cat\n")
    with pytest.raises(InputError, match="has no columns: leave --keep out"):
        read(path, Columns(more=("class",)))
