"""What a result can be written as. A format is a row of the table below and a function."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from biolord_onnx.bulk.places import Places
from biolord_onnx.bulk.reading import Row
from biolord_onnx.bulk.source import Source
from biolord_onnx.errors import InputError, MissingDependencyError
from biolord_onnx.install import install_hint

if TYPE_CHECKING:
    import numpy as np

    from biolord_onnx.encoding.precision import Vectors

STDOUT = "-"
# Rows of a record batch or row group: written with a few MB of memory, read with few seeks.
SECOND = "text_pair"
"""What the second text of a pair is called in files."""
GROUP_ROWS = 4096
# As many decimal digits as tell every number of the type apart from its neighbors.
_NUMBER_FORMATS = {"float32": "%.9g", "float16": "%.5g", "int8": "%d", "uint8": "%d"}
# The longest of each, with the comma and the space behind it.
_NUMBER_BYTES = {"float32": len("-1.23456789e-05, "), "float16": len("-1.2345e-05, "), "int8": 6, "uint8": 5}
# What a row has around its text, its id and its numbers: names of fields and brackets; offsets in columns.
_ROW_BYTES = 64
# Whatever a file has at its two ends.
_FILE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is made of rows and vectors.

    Attributes:
        write: Writes all; None if the vectors as they were gathered are the file.
        needs_pyarrow: Of the extra parquet.
        number_bytes: The most that a number of a type takes, where the file is made beside the vectors as they were
            gathered.
    """

    write: Callable[[BinaryIO, Source, Vectors], None] | None
    needs_pyarrow: bool = False
    number_bytes: Callable[[np.dtype[np.generic]], float] | None = None

    def room(self, source: Source, width: int, dtype: np.dtype[np.generic]) -> int:
        """Return how many bytes the file takes at most, 0 if none beside the vectors as they were gathered.

        Args:
            source: The rows.
            width: Numbers of a vector.
            dtype: Of a number.
        """
        if self.number_bytes is None:
            return 0
        numbers = source.count * width * self.number_bytes(dtype)
        return _FILE_BYTES + int(numbers) + source.count * _ROW_BYTES + source.json_bytes


def find_format(output: Path) -> Format:
    """Return the format that a file's ending names.

    Raises:
        InputError: It names none.
    """
    found = _FORMATS.get(output.suffix.lower())
    if found is None:
        raise InputError(
            f"{output} ends in {output.suffix!r}, expected one of {', '.join(_FORMATS)}, or - for standard output"
        )
    return found


def real_output(output: str) -> str:
    """Follow a symbolic link: what it points to is going to be written, beside files of that place, and it stays."""
    return os.path.realpath(output) if Path(output).is_symlink() else output


def check_output(output: str, *, ids: bool, force: bool) -> None:
    """Refuse an output that could not be written in the end, before hours are spent on it.

    Args:
        output: A path, or ``-`` for standard output.
        ids: Whether rows have ids.
        force: Whether an existing file may be replaced.

    Raises:
        InputError: The ending is unknown or can't hold ids, the file exists, or its folder doesn't.
        MissingDependencyError: .parquet or .arrow without pyarrow.
    """
    if output == STDOUT:
        return
    path = Path(output)
    form = find_format(path)
    if ids and form.write is None:
        raise InputError(f"{path} holds vectors alone, row by row: leave --id-column out, or write .parquet or .arrow")
    check_place(path, force=force)
    if form.needs_pyarrow:
        require_pyarrow(path)


def require_pyarrow(path: Path) -> None:
    """Refuse to write what pyarrow writes where it is missing.

    Raises:
        MissingDependencyError: It is.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingDependencyError(f"{path} needs pyarrow to be written: {install_hint('parquet')}")


def check_place(path: Path, *, force: bool) -> None:
    """Refuse a place where no file could appear in the end.

    Args:
        path: Of the file.
        force: Whether an existing file may be replaced.

    Raises:
        InputError: The file exists, or its folder doesn't, or nothing can be written there.
    """
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} of {path.name} does not exist: make it first")
    if os.path.lexists(path) and not path.is_file():
        raise InputError(f"{path} is not a file, and can't be replaced by one: choose another name")
    if path.exists() and not force:
        raise InputError(f"{path} exists: choose another name, or replace the file with --force")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"the folder {path.parent} of {path.name} can't be written to: choose another")
    longest = Places.beside(str(path)).journal
    try:
        longest.lstat()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(
            f"{longest}, which is needed while {path.name} is made: {error.strerror}: choose a shorter name"
        ) from error


def write_lines(stream: BinaryIO, rows: Sequence[Row], vectors: Vectors) -> None:
    """Write a JSON object a row: its text or both of a pair, its id if it has one, and its embedding.

    Args:
        stream: Takes UTF-8.
        rows: n rows.
        vectors: [n, width].

    Raises:
        OSError: The disk is full, or the reader of the pipe has gone.
    """
    number = _NUMBER_FORMATS[str(vectors.dtype)]
    end = ', "embedding": [' + ", ".join([number] * vectors.shape[1]) + "]}\n"
    for row, vector in zip(rows, vectors, strict=True):
        known: dict[str, str | int] = {"text": row.text} if row.id is None else {"id": row.id, "text": row.text}
        if row.second is not None:
            known[SECOND] = row.second
        line = json.dumps(known, ensure_ascii=False)[:-1] + end % tuple(vector.tolist())
        stream.write(line.encode())


def write_lines_to_stdout(rows: Sequence[Row], vectors: Vectors) -> None:
    """Write as `write_lines` to standard output."""
    write_lines(sys.stdout.buffer, rows, vectors)


def _write_jsonl(stream: BinaryIO, source: Source, vectors: Vectors) -> None:
    for rows, some in _groups(source, vectors):
        write_lines(stream, rows, some)


def _write_parquet(stream: BinaryIO, source: Source, vectors: Vectors) -> None:
    from pyarrow import parquet

    # Hardly two floats are equal: a dictionary of them takes room and time for nothing.
    repeated = True if vectors.dtype.itemsize == 1 else ["id", "text"]
    with parquet.ParquetWriter(stream, _schema(source, vectors), use_dictionary=repeated) as writer:
        for batch in _record_batches(source, vectors):
            writer.write_batch(batch, row_group_size=GROUP_ROWS)


def _write_arrow(stream: BinaryIO, source: Source, vectors: Vectors) -> None:
    import pyarrow as pa

    with pa.ipc.new_file(stream, _schema(source, vectors)) as writer:
        for batch in _record_batches(source, vectors):
            writer.write_batch(batch)


def _schema(source: Source, vectors: Vectors) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    embedding = pa.list_(pa.from_numpy_dtype(vectors.dtype), vectors.shape[1])
    second = [(SECOND, pa.string())] if source.paired else []
    fields = [("text", pa.string()), *second, ("embedding", embedding)]
    if source.id_type is not None:
        fields.insert(0, ("id", pa.int64() if source.id_type is int else pa.string()))
    return pa.schema(fields)


def _record_batches(source: Source, vectors: Vectors) -> Iterator[Any]:
    import pyarrow as pa

    schema = _schema(source, vectors)
    for rows, some in _groups(source, vectors):
        columns = [pa.array([row.text for row in rows], pa.string())]
        if source.paired:
            columns.append(pa.array([row.second for row in rows], pa.string()))
        columns.append(pa.FixedSizeListArray.from_arrays(pa.array(some.reshape(-1)), some.shape[1]))
        if source.id_type is not None:
            columns.insert(0, pa.array([row.id for row in rows], schema.field("id").type))
        yield pa.record_batch(columns, schema=schema)


def _groups(source: Source, vectors: Vectors) -> Iterator[tuple[list[Row], Vectors]]:
    rows = source.rows()
    start = 0
    while group := list(islice(rows, GROUP_ROWS)):
        yield group, vectors[start : start + len(group)]
        start += len(group)


_FORMATS: dict[str, Format] = {
    ".npy": Format(None),
    ".jsonl": Format(_write_jsonl, number_bytes=lambda dtype: _NUMBER_BYTES[str(dtype)]),
    ".parquet": Format(_write_parquet, needs_pyarrow=True, number_bytes=lambda dtype: dtype.itemsize * 1.02),
    ".arrow": Format(_write_arrow, needs_pyarrow=True, number_bytes=lambda dtype: dtype.itemsize),
}
