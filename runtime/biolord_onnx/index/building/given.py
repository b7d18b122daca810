"""Vectors that come with their names, computed elsewhere by the same artifact: on a cluster, say."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from biolord_onnx.bulk.hidden import create
from biolord_onnx.errors import InputError
from biolord_onnx.index.building.vocabulary import Name
from biolord_onnx.index.packing import Vectors

# Rounding of float32 numbers, and no more: a raw vector is another one.
_TOLERANCE = 1e-4


class GivenVectors:
    """Vectors on their way to an index, in a file beside it."""

    def __init__(self, path: Path, dim: int) -> None:
        """Begin with none.

        Args:
            path: Of the file.
            dim: Numbers that a vector must have.
        """
        self._path = path
        self._dim = dim
        self._file: BinaryIO | None = None
        self._names = 0

    def add(self, name: Name) -> None:
        """Take the vector of the next name, if it has one.

        Raises:
            InputError: It is of another size or length, holds NaN, or other names have vectors and this one has none.
        """
        if self._names and (self._file is not None) is not (name.vector is not None):
            has, before = ("no vector", "have one") if name.vector is None else ("a vector", "have none")
            raise InputError(f"the name {name.text!r} has {has}, those before {before}: give all a vector, or none")
        self._names += 1
        if name.vector is not None:
            vector = self._checked(name)
            self._file = self._file or self._made()
            self._file.write(vector.tobytes())

    def vectors(self) -> Vectors | None:
        """Return all of them, float32 [names, dim], mapped; None if names had none."""
        if self._file is None:
            return None
        self._file.flush()
        return np.memmap(self._path, np.float32, "r", shape=(self._names, self._dim))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _made(self) -> BinaryIO:
        self._path.unlink(missing_ok=True)
        return create(self._path)

    def _checked(self, name: Name) -> Vectors:
        given = np.asarray(name.vector)
        if given.dtype.kind not in "fiu":
            raise InputError(f"the vector of {name.text!r} is of type {given.dtype}, expected float32")
        vector = given.astype(np.float32)
        if vector.shape != (self._dim,):
            raise InputError(
                f"the vector of {name.text!r} has shape {list(vector.shape)}, the artifact's have [{self._dim}]: embed "
                "names with the artifact of the index"
            )
        length = float(np.linalg.norm(vector))
        if not abs(length - 1) <= _TOLERANCE:
            raise InputError(
                f"the vector of {name.text!r} has length {length:.4g}, expected 1: embed names with normalize=True"
            )
        return vector
