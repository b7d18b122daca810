"""The scan in numpy, for installations without the compiled operators; slower, with the same answers."""

from __future__ import annotations

import numpy as np

from biolord_onnx.index.folder import ERRORS, STEPS, StoredVectors
from biolord_onnx.index.packing import LOW_LEVELS, Vectors, from_panels
from biolord_onnx.index.wanted import Rows, Wanted

_BLOCK_ROWS = 8192
# Rounding of float32 sums of thousands of numbers.
_SLACK = 5e-5


def candidates(vectors: StoredVectors, query: Vectors, wanted: Wanted) -> Rows:
    """Return rows among which the nearest to one query are; arguments are those of `biolord_onnx.index.scan`."""
    rows, highest, certain = np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.float32)
    for start in range(0, vectors.rows, _BLOCK_ROWS):
        some = np.arange(start, min(start + _BLOCK_ROWS, vectors.rows))
        if wanted.mask is not None:
            some = some[wanted.mask[some]]
        near, error = _approximate(vectors, some, query)
        rows = np.concatenate([rows, some])
        highest, certain = np.concatenate([highest, near + error]), np.concatenate([certain, near - error])
        kept = highest >= _least(rows, certain, wanted)
        rows, highest, certain = rows[kept], highest[kept], certain[kept]
    return rows


def _approximate(vectors: StoredVectors, rows: Rows, query: Vectors) -> tuple[Vectors, Vectors]:
    high = from_panels(vectors.high, rows, vectors.dim).astype(np.float32)
    near = (high @ query) * (vectors.figures[STEPS, rows] * np.float32(LOW_LEVELS))
    error = vectors.figures[ERRORS, rows] if vectors.low is not None else np.float32(0)
    return near, np.broadcast_to(error + np.float32(_SLACK), near.shape)


def _least(rows: Rows, certain: Vectors, wanted: Wanted) -> float:
    """Return what the nearest ones reach for certain."""
    order = (-certain).argsort(kind="stable")
    if wanted.groups is not None:
        _, first = np.unique(wanted.groups[rows[order]], return_index=True)
        order = order[np.sort(first)]
    if len(order) < wanted.top:
        return wanted.least
    return max(wanted.least, float(certain[order[wanted.top - 1]]))
