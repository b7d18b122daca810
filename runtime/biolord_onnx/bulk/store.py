"""Vectors on their way: rows of a .npy file, written part by part, read back for repeated texts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import DTypeLike

from biolord_onnx.bulk.hidden import create, is_named, naming, open_left
from biolord_onnx.bulk.journal import Done
from biolord_onnx.bulk.parts import Part
from biolord_onnx.encoding.precision import Vectors
from biolord_onnx.errors import InputError

_BLOCK_BYTES = 1 << 20


class Store:
    """A .npy file of a known shape that fills from the top."""

    def __init__(self, path: Path, shape: tuple[int, int], dtype: DTypeLike, done: Sequence[Done] = ()) -> None:
        """Open the file, or create it.

        Args:
            path: Of the file.
            shape: Rows and numbers a row.
            dtype: Of a number.
            done: What is there already, checked before it is built on; what stands behind it is cut off.

        Raises:
            InputError: The file isn't there, or isn't what was written.
            OSError: The file can't be written.
        """
        self._path = path
        self._shape = shape
        self._dtype = np.dtype(dtype)
        self._header = _header(shape, self._dtype)
        self._row_bytes = shape[1] * self._dtype.itemsize
        with naming(path), ExitStack() as failing:
            self._file = failing.enter_context(self._open(bool(done)))
            if done:
                self._check(done)
                self._file.truncate(self._offset(done[-1].stop))
            else:
                self._write(self._header)
            failing.pop_all()

    def write(self, part: Part, vectors: Vectors) -> str:
        """Append a part, and wait until it is on the disk.

        Args:
            part: Follows the last one.
            vectors: [m, width] of its new texts.

        Returns:
            The SHA-256 of what was written.

        Raises:
            OSError: The disk is full, or failed.
        """
        rows = np.empty((part.stop - part.start, self._shape[1]), self._dtype)
        rows[part.rows - part.start] = vectors
        here = part.originals >= part.start
        with naming(self._path):
            for row, original in zip(part.copies[~here].tolist(), part.originals[~here].tolist(), strict=True):
                rows[row - part.start] = self._read(original)
            rows[part.copies[here] - part.start] = rows[part.originals[here] - part.start]
            self._file.seek(self._offset(part.start))
            content = rows.tobytes()
            self._write(content)
            os.fsync(self._file.fileno())
        return hashlib.sha256(content).hexdigest()

    def mapped(self) -> Vectors:
        """Return all rows [rows, width], mapped from the file."""
        if 0 in self._shape:
            return np.empty(self._shape, self._dtype)  # nothing can't be mapped
        return np.memmap(self._file, self._dtype, "r", len(self._header), self._shape)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def is_there(self) -> bool:
        """Whether another run would find the file."""
        return is_named(self._path, self._file)

    def _open(self, left: bool) -> BinaryIO:
        if not left:
            return create(self._path)
        found = open_left(self._path)
        if found is None:
            raise InputError(f"{self._path} of an interrupted run is gone: start anew with --restart")
        return found

    def _check(self, done: Sequence[Done]) -> None:
        size, expected = os.fstat(self._file.fileno()).st_size, self._offset(done[-1].stop)
        if size < expected:
            raise InputError(
                f"{self._path} has {size} bytes, and {expected} were written of an interrupted run: "
                "start anew with --restart"
            )
        if self._file.read(len(self._header)) != self._header:
            raise InputError(f"the header of {self._path} is not what was written: start anew with --restart")
        start = 0
        for some in done:
            found = self._sha256((some.stop - start) * self._row_bytes)
            if found != some.sha256:
                raise InputError(
                    f"{self._path}, rows {start} to {some.stop - 1}: their SHA-256 is {found[:16]}, and "
                    f"{some.sha256[:16]} was written: start anew with --restart"
                )
            start = some.stop

    def _sha256(self, size: int) -> str:
        """Hash the next bytes."""
        digest = hashlib.sha256()
        while size and (block := self._file.read(min(size, _BLOCK_BYTES))):
            digest.update(block)
            size -= len(block)
        return digest.hexdigest()

    def _read(self, row: int) -> Vectors:
        self._file.seek(self._offset(row))
        return np.frombuffer(self._file.read(self._row_bytes), self._dtype)

    def _write(self, content: bytes | memoryview) -> None:
        # An unbuffered write may take less than all, the last part before the disk is full, say.
        left = memoryview(content)
        while left:
            left = left[self._file.write(left) :]

    def _offset(self, row: int) -> int:
        return len(self._header) + row * self._row_bytes


def _header(shape: tuple[int, int], dtype: np.dtype[np.generic]) -> bytes:
    stream = BytesIO()
    descr = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    # What np.save writes before the rows; the magic string is part of it.
    return stream.getvalue()
