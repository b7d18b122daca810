"""Files to read, and what is read of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from biolord_onnx.bulk.reading import Columns, Id, Row, read_rows
from biolord_onnx.io.rows import Empty, EmptyPolicy, Layout

UNSAID = Layout()


def write(folder: Path, name: str, content: str | bytes) -> str:
    """Write a file and return its path."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def table(folder: Path, file: str = "t.parquet", /, **columns: Sequence[object] | pa.Array) -> str:
    """Write a Parquet file."""
    parquet.write_table(pa.table(columns), folder / file)
    return str(folder / file)


def texts(path: str, column: str | None = None, layout: Layout = UNSAID, empty: EmptyPolicy = "refuse") -> list[str]:
    """Read the texts of a file."""
    return [row.text for row in read_rows(path, Columns(column, None, layout, Empty(empty)))]


def pairs(path: str, layout: Layout = UNSAID, text: str = "name", known_by: str = "id") -> list[tuple[str, Id | None]]:
    """Read texts and ids of a file."""
    return [(row.text, row.id) for row in read_rows(path, Columns(text, known_by, layout))]


def numbered(path: str, columns: Columns) -> list[tuple[int, Row]]:
    """Read rows with their numbers."""
    return [(row.number, row) for row in read_rows(path, columns)]
