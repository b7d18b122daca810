"""The rows of the table with types, as Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

from biolord_onnx.link.formats.tables import PREFIX, Cells, columns, table_rows
from biolord_onnx.link.links import Link, Sheet

GROUP_ROWS = 65_536
_READERS: dict[str, tuple[str, Callable[[str], object]]] = {
    f"{PREFIX}rank": ("int32", int),
    f"{PREFIX}score": ("float32", float),
    f"{PREFIX}exact": ("bool_", "true".__eq__),
}


def write_parquet(stream: BinaryIO, sheet: Sheet, links: Iterable[Link]) -> None:
    """Write a Parquet file: ranks, scores and whether a match is exact as such, all else as strings."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(name, _type(pa, name)) for name in columns(sheet)])
    with parquet.ParquetWriter(stream, schema) as writer:
        for rows in _groups(table_rows(sheet, links)):
            cells = [
                _column(pa, name, list(column))
                for name, column in zip(schema.names, zip(*rows, strict=True), strict=True)
            ]
            writer.write_table(pa.table(cells, schema=schema))


def _type(pa: Any, name: str) -> Any:  # noqa: ANN401 - pyarrow has no types
    return getattr(pa, _READERS[name][0])() if name in _READERS else pa.string()


def _column(pa: Any, name: str, cells: Cells) -> Any:  # noqa: ANN401 - pyarrow has no types
    values: list[Any] = list(cells)
    if name in _READERS:
        read = _READERS[name][1]
        values = [None if cell is None else read(cell) for cell in cells]
    return pa.array(values, _type(pa, name))


def _groups(rows: Iterator[Cells]) -> Iterator[list[Cells]]:
    while group := list(islice(rows, GROUP_ROWS)):
        yield group
