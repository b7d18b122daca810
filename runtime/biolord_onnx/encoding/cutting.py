"""Vectors cut to their first numbers, as Matryoshka checkpoints are made for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.errors import InputError

SHORTEST = 1e-12
"""What is divided by where a vector is shorter: as torch's ``normalize`` does."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How vectors are cut.

    Attributes:
        width: Numbers that are left.
        unit: Whether vectors get length 1 after that.
    """

    width: int
    unit: bool

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cut float32 [n, dim] to [n, width]."""
        cut = np.ascontiguousarray(vectors[:, : self.width])
        return unit_vectors(cut) if self.unit else cut


def unit_vectors(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale float32 [n, dim] to length 1, row by row; in double precision, so that no CPU's order of sums shows."""
    wide = vectors.astype(np.float64)
    lengths = np.maximum(np.sqrt(np.square(wide).sum(axis=1, keepdims=True)), SHORTEST)
    return np.asarray(wide / lengths, dtype=np.float32)


def check_width(asked: int, dim: int) -> int:
    """Return a number of dimensions.

    Raises:
        InputError: Vectors have fewer, or it is none.
    """
    if not 1 <= asked <= dim:
        raise InputError(f"truncate_dim is {asked}, the artifact's vectors have {dim} numbers: expected 1 to {dim}")
    return asked
