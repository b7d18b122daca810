"""Rows of a .parquet file, or of the files of a folder, as Spark and others write them."""

from __future__ import annotations

import io
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from biolord_onnx.errors import InputError, MissingDependencyError
from biolord_onnx.install import install_hint
from biolord_onnx.io.choosing import choose
from biolord_onnx.io.rows import STDIN, Columns, Row
from biolord_onnx.io.signatures import PARQUET, SHOWN_BYTES, foreign
from biolord_onnx.io.values import as_row

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDING = ".parquet"
_ROWS = 4096


def read_parquet(source: str, name: str, columns: Columns) -> Iterator[Row]:
    """Read the rows of a file or folder; arguments and errors are those of `biolord_onnx.bulk.reading.read_rows`."""
    if not Path(source).is_dir():
        yield from _read_file(Path(source), name, columns, 0)
        return
    done = 0
    for part in parts(Path(source), name):
        done += yield from _read_file(part, f"{name}/{part.relative_to(source)}", columns, done)


def parts(folder: Path, name: str) -> list[Path]:
    """Return the files of a folder in order of their names, without what begins with a dot or an underscore.

    Raises:
        InputError: There is none, or another file.
    """
    visible = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part[0] in "._" for part in path.relative_to(folder).parts)
    ]
    others = [path for path in visible if path.suffix.lower() != ENDING]
    if others:
        raise InputError(f"{name} is a folder with {others[0].name}: give a file, or a folder of {ENDING} files alone")
    if not visible:
        raise InputError(f"{name} is a folder without {ENDING} files: give a file, or a folder of them")
    return visible


def _read_file(path: Path, name: str, columns: Columns, done: int) -> Generator[Row, None, int]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependencyError(f"{name} needs pyarrow to be read: {install_hint('parquet')}") from error
    with _seekable(path) as stream:
        found = foreign(stream.read(SHOWN_BYTES))
        if found is not None and found.start != PARQUET:
            raise InputError(f"{name} is {found.kind}, not Parquet: {found.advice}")
        try:
            return (yield from _rows(parquet, stream, name, columns, done))
        # Arrow raises OSError for what it can't decode, too.
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{name} can't be read as parquet: {error}") from error


@contextmanager
def _seekable(path: Path) -> Iterator[BinaryIO]:
    """Open a file; what comes through a pipe is held in memory, for Parquet is read from its end."""
    with nullcontext(sys.stdin.buffer) if str(path) == STDIN else path.open("rb") as stream:
        if str(path) == STDIN or not stream.seekable():
            yield io.BytesIO(stream.read())
        else:
            yield stream


def _rows(
    parquet: Any,  # noqa: ANN401 - pyarrow has no types
    stream: BinaryIO,
    name: str,
    columns: Columns,
    done: int,
) -> Generator[Row, None, int]:
    with parquet.ParquetFile(stream) as file:
        schema = file.schema_arrow
        text = _column(schema, name, columns.text, columns.options.text)
        known_by = None if columns.id is None else _column(schema, name, columns.id, columns.options.id)
        more = [_column(schema, name, column, columns.options.more) for column in columns.more]
        _check_text(schema, name, text)
        wanted = list(dict.fromkeys((text, *(() if known_by is None else (known_by,)), *more)))
        start = 0
        for batch in file.iter_batches(_ROWS, columns=wanted):
            texts = _values(batch.column(text), name, text, start)
            ids: Sequence[object] = (
                [None] * len(texts) if known_by is None else _values(batch.column(known_by), name, known_by, start)
            )
            others = [_values(batch.column(column), name, column, start) for column in more]
            for at, (value, key, *cells) in enumerate(zip(texts, ids, *others, strict=True), start=start):
                row = as_row(value, key, f"{name}, row {at}", columns, done + at + 1, cells)
                if row is not None:
                    yield row
            start += len(texts)
    return start


def _column(schema: Any, name: str, column: str | None, option: str) -> str:  # noqa: ANN401 - pyarrow has no types
    return str(schema.names[choose(name, column, schema.names, option)])


def _check_text(schema: Any, name: str, column: str) -> None:  # noqa: ANN401 - pyarrow has no types
    from pyarrow import types

    kind = schema.field(column).type
    values = kind.value_type if types.is_dictionary(kind) else kind
    if not (types.is_string(values) or types.is_large_string(values) or types.is_null(values)):
        raise InputError(f"{name}: column {column!r} is {kind}, expected strings: cast it, or choose another column")


def _values(column: Any, name: str, known_as: str, start: int) -> list[object]:  # noqa: ANN401 - pyarrow has no types
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError as error:
        at = next(at for at, cell in enumerate(column) if not _is_readable(cell))
        raise InputError(f"{name}, row {start + at}: column {known_as!r} is not UTF-8: write the file anew") from error


def _is_readable(cell: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    try:
        cell.as_py()
    except UnicodeDecodeError:
        return False
    return True
