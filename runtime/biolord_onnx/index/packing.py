"""Vectors as whole numbers: 8 bits of each in the layout that the kernels read, and 16 more beside.

A vector is ``step * n``, with n a whole number of 24 bits for each dimension: ``n = 65536 * high + low``. The high 8
bits lie as the compiled operators read weights, ``[rows/16][dim/4][16][4]``, the low 16 row by row. A step is the
largest absolute number of a vector through 127 * 65536: rounding to it costs no more than float32's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PANEL_ROWS, PANEL_DIMS = 16, 4
# Rows and dimensions are filled up with zeros to multiples of these, which the kernels ask for.
ROW_MULTIPLE, DIM_MULTIPLE = 32, 64
LOW_LEVELS = 65536
HIGH_LARGEST = 127
LARGEST = HIGH_LARGEST * LOW_LEVELS
# What is left of a vector without its low bits is measured in float64, and noted a little larger than it is.
_UPWARD = 1 + 1e-6

Vectors = NDArray[np.float32]
High = NDArray[np.int8]
Low = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Packed:
    """Vectors as whole numbers.

    Attributes:
        high: int8 [rows, dim].
        low: int16 [rows, dim].
        steps: float32 [rows].
        errors: float32 [rows], the length of what the low bits add to a vector, or more.
    """

    high: High
    low: Low
    steps: NDArray[np.float32]
    errors: NDArray[np.float32]


def pack(vectors: Vectors) -> Packed:
    """Round vectors.

    Args:
        vectors: float32 [rows, dim], finite.
    """
    largest = np.abs(vectors).max(axis=1, initial=0)
    steps = (np.maximum(largest, np.finfo(np.float32).tiny * LARGEST) / np.float32(LARGEST)).astype(np.float32)
    whole = np.rint(vectors / steps.astype(np.float64)[:, None]).astype(np.int32)
    high = (whole + LOW_LEVELS // 2) >> 16
    low = whole - (high << 16)
    # Of two that are equally near the larger high part was taken, so the low one fits.
    errors = np.sqrt((low.astype(np.float64) ** 2).sum(axis=1)) * steps * _UPWARD
    return Packed(high.astype(np.int8), low.astype(np.int16), steps, errors.astype(np.float32))


def restore(high: High, low: Low | None, steps: NDArray[np.float32]) -> Vectors:
    """Return vectors as they are stored.

    Args:
        high: int8 [rows, dim].
        low: int16 [rows, dim]; None if it wasn't kept.
        steps: float32 [rows].

    Returns:
        float32 [rows, dim].
    """
    return whole_numbers(high, low).astype(np.float32) * steps[:, None]


def whole_numbers(high: High, low: Low | None) -> NDArray[np.int32]:
    """Return the whole numbers of 24 bits, int32 [rows, dim]."""
    whole = high.astype(np.int32) << 16
    return whole if low is None else whole + low


def to_panels(high: High) -> High:
    """Lay rows out as the kernels read them.

    Args:
        high: int8 [rows, dim], both multiples of what is filled up to.

    Returns:
        int8 [rows/16, dim/4, 16, 4].
    """
    rows, dim = high.shape
    panels = high.reshape(rows // PANEL_ROWS, PANEL_ROWS, dim // PANEL_DIMS, PANEL_DIMS)
    return np.ascontiguousarray(panels.transpose(0, 2, 1, 3))


def from_panels(panels: High, rows: NDArray[np.int64], dim: int) -> High:
    """Read rows out of the layout of the kernels.

    Args:
        panels: int8 [rows/16, dim/4, 16, 4].
        rows: Their numbers.
        dim: Numbers of a vector, without what was filled up.

    Returns:
        int8 [len(rows), dim].
    """
    found = panels[rows // PANEL_ROWS, :, rows % PANEL_ROWS, :]
    return found.reshape(len(rows), panels.shape[1] * PANEL_DIMS)[:, :dim]


def filled(count: int, multiple: int) -> int:
    """Return the next multiple."""
    return -(-count // multiple) * multiple
