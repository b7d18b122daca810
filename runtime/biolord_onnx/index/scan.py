"""A look at every vector of an index, by its high 8 bits: which of them may be among the nearest.

What the high bits say of a cosine is off by no more than the length of what they leave out. A row is a candidate unless
so many others are better for certain; so no row that belongs to the answer is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.index.column import Numbers
from biolord_onnx.index.folder import ERRORS, STEPS, StoredVectors
from biolord_onnx.index.packing import LOW_LEVELS, Vectors, from_panels

Rows = NDArray[np.int64]
_BLOCK_ROWS = 8192
# Rounding of float32 sums.
_SLACK = 5e-5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Attributes:
        top: how many of the nearest are wanted.
        least: smallest cosine that counts.
        groups: int32 [rows]: rows of one group count as one; None to count rows.
        mask: bool [rows]: which rows count; None for all.
    """

    top: int
    least: float = -2.0
    groups: Numbers | None = None
    mask: NDArray[np.bool_] | None = None


def candidates(vectors: StoredVectors, queries: Vectors, wanted: Wanted) -> list[Rows]:
    """Return for each query rows among which the nearest ones are, in order.

    Args:
        vectors: of the index.
        queries: float32 [n, dim], of length 1.
        wanted: how many, and which rows count.
    """
    return [_candidates(vectors, query, wanted) for query in queries]


def _candidates(vectors: StoredVectors, query: Vectors, wanted: Wanted) -> Rows:
    rows, upper, lower = np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.float32)
    for start in range(0, vectors.rows, _BLOCK_ROWS):
        some = np.arange(start, min(start + _BLOCK_ROWS, vectors.rows))
        if wanted.mask is not None:
            some = some[wanted.mask[some]]
        near, error = _approximate(vectors, some, query)
        rows = np.concatenate([rows, some])
        upper, lower = np.concatenate([upper, near + error]), np.concatenate([lower, near - error])
        kept = upper >= _threshold(rows, lower, wanted)
        rows, upper, lower = rows[kept], upper[kept], lower[kept]
    return rows


def _approximate(vectors: StoredVectors, rows: Rows, query: Vectors) -> tuple[Vectors, Vectors]:
    high = from_panels(vectors.high, rows, vectors.dim).astype(np.float32)
    near = (high @ query) * (vectors.figures[STEPS, rows] * np.float32(LOW_LEVELS))
    error = vectors.figures[ERRORS, rows] if vectors.low is not None else np.float32(0)
    return near, np.broadcast_to(error + np.float32(_SLACK), near.shape)


def _threshold(rows: Rows, lower: Vectors, wanted: Wanted) -> float:
    """Return what the nearest ones reach for certain."""
    order = (-lower).argsort(kind="stable")
    if wanted.groups is not None:
        _, first = np.unique(wanted.groups[rows[order]], return_index=True)
        order = order[np.sort(first)]
    if len(order) < wanted.top:
        return wanted.least
    return max(wanted.least, float(lower[order[wanted.top - 1]]))
