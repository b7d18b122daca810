"""Reading texts from files: one a line, or a column of a table."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from biolord_onnx.errors import InputError, MissingDependencyError

STDIN = "-"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_texts(source: str, column: str | None) -> list[str]:
    """Read the texts of a file.

    Args:
        source: path of the file, or ``-`` for standard input, which is read as lines.
        column: which column of a .csv, .tsv, .jsonl or .parquet file; None for a file of lines.

    Raises:
        InputError: a line isn't UTF-8 or can't be parsed, or the column is missing, not wanted or not text.
        MissingDependencyError: a .parquet file needs pyarrow.
        OSError: the file can't be read.
    """
    reader = None if source == STDIN else _READERS.get(Path(source).suffix.lower())
    if reader is None:
        if column is not None:
            raise InputError(
                f"{_name(source)} is read as lines and has no columns: leave --column out, "
                f"or give a file that ends in {', '.join(_READERS)}"
            )
        return _lines(source)
    return reader(source, column)


def _lines(source: str) -> list[str]:
    lines = decode(source).split("\n")
    # The newline ends the last line, it doesn't begin another one.
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def decode(source: str) -> str:
    """Read a UTF-8 file, or standard input for ``-``, without its byte order mark.

    Raises:
        InputError: a line isn't UTF-8.
        OSError: the file can't be read.
    """
    data = sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
    data = data.removeprefix(_BYTE_ORDER_MARK)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{_name(source)}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8"
        ) from error


def _name(source: str) -> str:
    return "standard input" if source == STDIN else source


def _read_csv(source: str, column: str | None) -> list[str]:
    return _delimited(source, column, ",")


def _read_tsv(source: str, column: str | None) -> list[str]:
    return _delimited(source, column, "\t")


def _delimited(source: str, column: str | None, delimiter: str) -> list[str]:
    csv.field_size_limit(sys.maxsize)  # a clinical note may be longer than the default of 131,072 characters
    reader = csv.DictReader(io.StringIO(decode(source), newline=""), delimiter=delimiter, strict=True)
    texts = []
    try:
        name = _choose(source, column, reader.fieldnames or [])
        for row in reader:
            if row[name] is None:
                raise InputError(f"{source}, line {reader.line_num}: the row ends before column {name!r}")
            texts.append(row[name])
    except csv.Error as error:
        # The reader counts the lines of whole rows: the broken one begins behind them.
        raise InputError(f"{source}, line {reader.line_num + 1}: {error}: mend the line") from error
    return texts


def _read_jsonl(source: str, column: str | None) -> list[str]:
    texts = []
    for number, line in enumerate(_lines(source), start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{source}, line {number}: not JSON ({error}): mend the line") from error
        if not isinstance(row, dict):
            raise InputError(f"{source}, line {number}: {type(row).__name__}, expected a JSON object")
        text = row[_choose(f"{source}, line {number}", column, row)]
        if not isinstance(text, str):
            raise InputError(f"{source}, line {number}: column {column!r} is {type(text).__name__}, expected a string")
        texts.append(text)
    return texts


def _read_parquet(source: str, column: str | None) -> list[str]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependencyError(
            f"{source} needs pyarrow to be read: pip install 'biolord-onnx[parquet]'"
        ) from error
    try:
        with parquet.ParquetFile(source) as file:
            name = _choose(source, column, file.schema_arrow.names)
            values: list[object] = file.read([name]).column(name).to_pylist()
    except pa.ArrowException as error:
        raise InputError(f"{source} can't be read as parquet: {error}") from error
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        row, value = next((row, value) for row, value in enumerate(values) if not isinstance(value, str))
        raise InputError(
            f"{source}, row {row}: column {name!r} is {type(value).__name__}, expected a string: drop or fill it"
        )
    return texts


def _choose(source: str, column: str | None, columns: Iterable[str]) -> str:
    shown = ", ".join(columns) or "none"
    if column is None:
        raise InputError(f"{source} needs --column, one of: {shown}")
    if column not in columns:
        raise InputError(f"{source} has no column {column!r}, it has: {shown}")
    return column


_READERS: dict[str, Callable[[str, str | None], list[str]]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}
