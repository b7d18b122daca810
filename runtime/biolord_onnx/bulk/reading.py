"""Reading texts from files, row by row: one a line, or a column of a table."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from biolord_onnx.errors import InputError, MissingDependencyError

STDIN = "-"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PARQUET_ROWS = 4096

Id = str | int


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table are read; both None for a file of lines.

    Attributes:
        text: holds the texts.
        id: holds what the rows are known by, strings or whole numbers; None if nobody wants them.
    """

    text: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A text, and what it is known by.

    Attributes:
        text: any string that UTF-8 can hold.
        id: from the column of ids, None where none is read.
    """

    text: str
    id: Id | None = None


def read_texts(source: str, column: str | None) -> list[str]:
    """Read all texts of a file; arguments and errors are those of `read_rows`."""
    return [row.text for row in read_rows(source, Columns(column))]


def read_rows(source: str, columns: Columns, name: str | None = None) -> Iterator[Row]:
    """Read the rows of a file, holding no more of it in memory than a row (Parquet: 4,096 rows) takes.

    Args:
        source: path of the file, or ``-`` for standard input, which is read as lines.
        columns: of a .csv, .tsv, .jsonl or .parquet file; none of a file of lines.
        name: what messages call the file, if not by its path; its ending then says what it is.

    Returns:
        An iterator of the rows. Its errors come when it reaches the row.

    Raises:
        InputError: a line isn't UTF-8 or can't be parsed, or a column is missing, not wanted or not text.
        MissingDependencyError: a .parquet file needs pyarrow.
        OSError: the file can't be read.
    """
    reader = None if source == STDIN else _READERS.get(Path(name or source).suffix.lower())
    called = name or ("standard input" if source == STDIN else source)
    if reader is not None:
        return reader(source, called, columns)
    wanted = "--column" if columns.text is not None else "--id-column" if columns.id is not None else None
    if wanted is not None:
        raise InputError(
            f"{called} is read as lines and has no columns: leave {wanted} out, "
            f"or give a file that ends in {', '.join(_READERS)}"
        )
    return (Row(line) for line in _lines(source, called))


def decode(source: str) -> str:
    """Read a UTF-8 file, or standard input for ``-``, without its byte order mark.

    Raises:
        InputError: a line isn't UTF-8.
        OSError: the file can't be read.
    """
    return "".join(_decoded(source, source))


def _lines(source: str, name: str) -> Iterator[str]:
    # Only a newline ends a line, and the last one begins no other.
    return (line.removesuffix("\n").removesuffix("\r") for line in _decoded(source, name))


def _decoded(source: str, name: str) -> Iterator[str]:
    """Yield the lines of a file with what ends them."""
    with _opened(source) as stream:
        for number, line in enumerate(stream, start=1):
            whole = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
            try:
                yield whole.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{name}, line {number}: byte 0x{whole[error.start]:02x} is not UTF-8: save the file as UTF-8"
                ) from error


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    if source == STDIN:
        yield sys.stdin.buffer
        return
    with Path(source).open("rb") as stream:
        yield stream


def _read_csv(source: str, name: str, columns: Columns) -> Iterator[Row]:
    return _delimited(source, name, columns, ",")


def _read_tsv(source: str, name: str, columns: Columns) -> Iterator[Row]:
    return _delimited(source, name, columns, "\t")


def _delimited(source: str, name: str, columns: Columns, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(sys.maxsize)  # a clinical note may be longer than the default of 131,072 characters
    # The csv module wants lines that end at a lone carriage return, too, as old spreadsheets write them.
    lines = (part for line in _decoded(source, name) for part in io.StringIO(line, newline=""))
    reader = csv.DictReader(lines, delimiter=delimiter, strict=True)
    try:
        names = reader.fieldnames or []
        text = _choose(name, columns.text, names)
        key = None if columns.id is None else _choose(name, columns.id, names, "--id-column")
        for row in reader:
            yield Row(
                _cell(name, reader.line_num, row, text),
                None if key is None else _cell(name, reader.line_num, row, key),
            )
    except csv.Error as error:
        # The reader counts the lines of whole rows: the broken one begins behind them.
        raise InputError(f"{name}, line {reader.line_num + 1}: {error}: mend the line") from error


def _cell(name: str, line: int, row: dict[str, str | None], column: str) -> str:
    cell = row[column]
    if cell is None:
        raise InputError(f"{name}, line {line}: the row ends before column {column!r}")
    return cell


def _read_jsonl(source: str, name: str, columns: Columns) -> Iterator[Row]:
    for number, line in enumerate(_lines(source, name), start=1):
        place = f"{name}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{place}: not JSON ({error}): mend the line") from error
        if not isinstance(row, dict):
            raise InputError(f"{place}: {type(row).__name__}, expected a JSON object")
        text = _choose(place, columns.text, row)
        key = None if columns.id is None else _choose(place, columns.id, row, "--id-column")
        yield Row(_as_text(row[text], place, text), None if key is None else _as_id(row[key], place, key))


def _read_parquet(source: str, name: str, columns: Columns) -> Iterator[Row]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependencyError(f"{name} needs pyarrow to be read: pip install 'biolord-onnx[parquet]'") from error
    try:
        with parquet.ParquetFile(source) as file:
            names = file.schema_arrow.names
            text = _choose(name, columns.text, names)
            key = None if columns.id is None else _choose(name, columns.id, names, "--id-column")
            wanted = [text] if key is None else list(dict.fromkeys((text, key)))
            done = 0
            for batch in file.iter_batches(_PARQUET_ROWS, columns=wanted):
                texts = batch.column(text).to_pylist()
                keys = [None] * len(texts) if key is None else batch.column(key).to_pylist()
                for row, (value, known_by) in enumerate(zip(texts, keys, strict=True), start=done):
                    place = f"{name}, row {row}"
                    yield Row(_as_text(value, place, text), None if key is None else _as_id(known_by, place, key))
                done += len(texts)
    except pa.ArrowException as error:
        raise InputError(f"{name} can't be read as parquet: {error}") from error


def _as_text(value: object, place: str, column: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{place}: column {column!r} is {type(value).__name__}, expected a string: drop or fill it")
    return _whole(value, place, column)


def _as_id(value: object, place: str, column: str) -> Id:
    if isinstance(value, str):
        return _whole(value, place, column)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(
            f"{place}: column {column!r} is {type(value).__name__}, expected an id, a string or an integer"
        )
    if not -(2**63) <= value < 2**63:
        raise InputError(f"{place}: column {column!r} is {value}, which 64 bits can't hold: write ids as strings")
    return value


def _whole(value: str, place: str, column: str) -> str:
    """Refuse what a JSON escape can write and UTF-8 can't."""
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(
                f"{place}: column {column!r} has a lone surrogate {value[error.start]!r}: mend the row"
            ) from error
    return value


def _choose(source: str, column: str | None, columns: Iterable[str], option: str = "--column") -> str:
    shown = ", ".join(columns) or "none"
    if column is None:
        raise InputError(f"{source} needs {option}, one of: {shown}")
    if column not in columns:
        raise InputError(f"{source} has no column {column!r}, it has: {shown}")
    if list(columns).count(column) > 1:
        raise InputError(f"{source} has several columns {column!r}: {shown}: rename those that aren't meant")
    return column


_READERS: dict[str, Callable[[str, str, Columns], Iterator[Row]]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}
