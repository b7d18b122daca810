"""Writing vectors: to a file, beside it first and then renamed, or to standard output."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from biolord_onnx.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from biolord_onnx.precision import Vectors

STDOUT = "-"
# As many decimal digits as tell every number of the type apart from its neighbours.
_NUMBER_FORMATS = {"float32": "%.9g", "float16": "%.5g", "int8": "%d", "uint8": "%d"}


def check_output(output: str, *, force: bool) -> None:
    """Refuse an output that could not be written in the end, before hours are spent on it.

    Args:
        output: a path, or ``-`` for standard output.
        force: whether an existing file may be replaced.

    Raises:
        InputError: the ending is unknown, the file exists, or its folder doesn't.
        MissingDependencyError: parquet without pyarrow.
    """
    if output == STDOUT:
        return
    path = Path(output)
    if path.suffix.lower() not in _WRITERS:
        raise InputError(f"{path} ends in {path.suffix!r}, expected one of {', '.join(_WRITERS)}")
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} of {path.name} does not exist: make it first")
    if path.exists() and not (force and path.is_file()):
        raise InputError(f"{path} exists: choose another name, or replace the file with --force")
    if path.suffix.lower() == ".parquet":
        _require_pyarrow(path)


def write_vectors(output: str, texts: Sequence[str], vectors: Vectors) -> None:
    """Write texts and vectors.

    A file appears under its name only when it is complete: an interrupted run leaves the old one.

    Args:
        output: a path that `check_output` let pass, or ``-`` for JSON lines on standard output.
        texts: n strings.
        vectors: [n, dim].

    Raises:
        OSError: the disk is full or the folder not writable.
    """
    if output == STDOUT:
        _write_jsonl(sys.stdout.buffer, texts, vectors)
        return
    path = Path(output)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            _WRITERS[path.suffix.lower()](stream, texts, vectors)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_npy(stream: BinaryIO, texts: Sequence[str], vectors: Vectors) -> None:  # noqa: ARG001 - rows only
    import numpy as np

    np.save(stream, vectors)


def _write_jsonl(stream: BinaryIO, texts: Sequence[str], vectors: Vectors) -> None:
    dim = vectors.shape[1]
    number = _NUMBER_FORMATS[str(vectors.dtype)]
    row_format = '{"text": %s, "embedding": [' + ", ".join([number] * dim) + "]}\n"
    for text, vector in zip(texts, vectors, strict=True):
        line = row_format % (json.dumps(text, ensure_ascii=False), *vector.tolist())
        stream.write(line.encode())


def _write_parquet(stream: BinaryIO, texts: Sequence[str], vectors: Vectors) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    embedding = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    table = pa.table({"text": pa.array(texts, pa.string()), "embedding": embedding})
    parquet.write_table(table, stream)


def _require_pyarrow(path: Path) -> None:
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingDependencyError(f"{path} needs pyarrow to be written: pip install 'biolord-onnx[parquet]'")


_WRITERS: dict[str, Callable[[BinaryIO, Sequence[str], Vectors], None]] = {
    ".npy": _write_npy,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
