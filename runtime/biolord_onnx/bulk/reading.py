"""Reading texts from files, row by row: one per line, or a column of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from biolord_onnx.io.formats import find_format
from biolord_onnx.io.rows import STDIN, Columns, Id, Row

__all__ = ["STDIN", "Columns", "Id", "Row", "read_rows"]


def read_rows(source: str, columns: Columns, name: str | None = None) -> Iterator[Row]:
    """Read the rows of a file, holding no more of it in memory than a row (Parquet: 4,096 rows) takes.

    Args:
        source: Path of the file or of a folder of .parquet files, or ``-`` for standard input.
        columns: Of a table, and how it is laid out; no column of a file of lines.
        name: What messages call the file, if not by its path; its ending then says what it is.

    Returns:
        An iterator of the rows. Its errors come when it reaches the row.

    Raises:
        InputError: A line isn't UTF-8 or can't be parsed, a column is missing, not wanted or of another type, a row is
            empty and refused, or the file is no text.
        MissingDependencyError: A .parquet file needs pyarrow.
        OSError: The file can't be read.
    """
    called = name or ("standard input" if source == STDIN else source)
    columns.empty.count = 0
    rows = find_format(name or source, called, columns).reader()(source, called, columns)
    return map(_paired, rows) if columns.paired else rows


def _paired(row: Row) -> Row:
    second, *more = row.more
    return replace(row, second=second, more=tuple(more))
