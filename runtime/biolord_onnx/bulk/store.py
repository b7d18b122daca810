"""Vectors on their way: rows of a .npy file, written part by part, read back for repeated texts."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from biolord_onnx.bulk.parts import Part
from biolord_onnx.errors import InputError
from biolord_onnx.precision import Vectors


class Store:
    """A .npy file of a known shape that fills from the top."""

    def __init__(self, path: Path, shape: tuple[int, int], dtype: DTypeLike, done: int = 0) -> None:
        """Open the file, or create it.

        Args:
            path: of the file.
            shape: rows and numbers a row.
            dtype: of a number.
            done: rows that are there already; what stands behind them is cut off.

        Raises:
            InputError: the file is shorter than ``done`` rows.
            OSError: the file can't be written.
        """
        self._path = path
        self._shape = shape
        self._dtype = np.dtype(dtype)
        header = _header(shape, self._dtype)
        self._begin = len(header)
        self._row_bytes = shape[1] * self._dtype.itemsize
        self._file = path.open("r+b" if done else "w+b", buffering=0)
        try:
            if done:
                self._cut_to(done)
            else:
                self._write(header)
        except BaseException:
            self._file.close()
            raise

    def write(self, part: Part, vectors: Vectors) -> None:
        """Append a part, and wait until it is on the disk.

        Args:
            part: follows the last one.
            vectors: [m, width] of its new texts.

        Raises:
            OSError: the disk is full, or failed.
        """
        rows = np.empty((part.stop - part.start, self._shape[1]), self._dtype)
        rows[part.rows - part.start] = vectors
        here = part.originals >= part.start
        for row, original in zip(part.copies[~here].tolist(), part.originals[~here].tolist(), strict=True):
            rows[row - part.start] = self._read(original)
        rows[part.copies[here] - part.start] = rows[part.originals[here] - part.start]
        self._file.seek(self._offset(part.start))
        self._write(rows.tobytes())
        os.fsync(self._file.fileno())

    def mapped(self) -> Vectors:
        """Return all rows [rows, width], mapped from the file."""
        if 0 in self._shape:
            return np.empty(self._shape, self._dtype)  # nothing can't be mapped
        return np.memmap(self._path, self._dtype, "r", self._begin, self._shape)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _cut_to(self, done: int) -> None:
        size, expected = self._path.stat().st_size, self._offset(done)
        if size < expected:
            raise InputError(
                f"{self._path} has {size} bytes, and {expected} were written of an interrupted run: "
                "start anew with --restart"
            )
        self._file.truncate(expected)

    def _read(self, row: int) -> Vectors:
        self._file.seek(self._offset(row))
        return np.frombuffer(self._file.read(self._row_bytes), self._dtype)

    def _write(self, content: bytes | memoryview) -> None:
        # An unbuffered write may take less than all, the last part before the disk is full, say.
        left = memoryview(content)
        while left:
            left = left[self._file.write(left) :]

    def _offset(self, row: int) -> int:
        return self._begin + row * self._row_bytes


def _header(shape: tuple[int, int], dtype: np.dtype[np.generic]) -> bytes:
    stream = BytesIO()
    descr = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    # What np.save writes before the rows; the magic string is part of it.
    return stream.getvalue()
