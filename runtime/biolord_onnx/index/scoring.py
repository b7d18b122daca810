"""Cosines of queries and stored vectors, the same bits on every CPU.

A product of a query's float32 and a whole number of 24 bits is exact in float64. Products are added in one order: 16
sums, each of every sixteenth dimension, then halves of the sums.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.errors import InputError
from biolord_onnx.index import native
from biolord_onnx.index.folder import STEPS, StoredVectors
from biolord_onnx.index.packing import Vectors, filled, from_panels, whole_numbers
from biolord_onnx.index.scan import is_compiled
from biolord_onnx.index.wanted import Rows

_LANES = 16
_PART_ROWS = 4096
_LARGEST_SQUARED = 1e100

Scores = NDArray[np.float32]


def unit_vectors(vectors: NDArray[np.floating], dim: int) -> Vectors:
    """Return queries at length 1.

    Args:
        vectors: [queries, dim], or [dim] of one query.
        dim: Of the index.

    Returns:
        float32 [queries, dim].

    Raises:
        InputError: They have another shape, or one is not finite or nothing but zeros.
    """
    found = np.atleast_2d(np.asarray(vectors))
    if found.ndim != 2 or found.shape[1] != dim:
        shape = list(np.shape(vectors))
        raise InputError(f"the query vectors have shape {shape}, expected [queries, {dim}] as the index has")
    if found.dtype.kind not in "fiu":
        raise InputError(f"the query vectors are of type {found.dtype}, expected float32")
    exact = found.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(exact).all(axis=1))
    if len(bad):
        raise InputError(f"query vector {bad[0]} of {len(exact)} holds NaN or infinity: fix it")
    largest = np.abs(exact).max(axis=1, initial=0)
    extreme = (largest > 0) & ((largest > _LARGEST_SQUARED) | (largest < 1 / _LARGEST_SQUARED))
    exact[extreme] /= largest[extreme, None]  # whose squares would be infinite, or nothing
    lengths = np.sqrt(_sum(exact * exact))
    if not lengths.all():
        raise InputError(f"query vector {lengths.argmin()} of {len(exact)} has length 0, and so no direction: fix it")
    return (exact / lengths[:, None]).astype(np.float32)


def score(vectors: StoredVectors, rows: Rows, query: Vectors) -> Scores:
    """Return the cosines of some rows to a query.

    Args:
        vectors: Of the index.
        rows: int64 [n], of it.
        query: float32 [dim], of length 1.

    Returns:
        float32 [n].
    """
    return native.score(vectors, rows, query) if is_compiled() else plain_score(vectors, rows, query)


def plain_score(vectors: StoredVectors, rows: Rows, query: Vectors) -> Scores:
    """Return what `score` does, computed by numpy."""
    parts = [_plain_score(vectors, rows[at : at + _PART_ROWS], query) for at in range(0, len(rows), _PART_ROWS)]
    return np.concatenate([np.empty(0, np.float32), *parts])


def _plain_score(vectors: StoredVectors, rows: Rows, query: Vectors) -> Scores:
    low = None if vectors.low is None else vectors.low[rows]
    whole = whole_numbers(from_panels(vectors.high, rows, vectors.dim), low)
    sums = _sum(whole.astype(np.float64) * query)
    scores: Scores = (sums * vectors.figures[STEPS, rows]).astype(np.float32)
    return scores


def _sum(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add the numbers of each row, [n, dim], in the order that the module's text gives."""
    count, dim = products.shape
    padded = np.zeros((count, filled(dim, _LANES)))
    padded[:, :dim] = products
    sums = np.zeros((count, _LANES))
    for at in range(0, padded.shape[1], _LANES):
        sums += padded[:, at : at + _LANES]
    while sums.shape[1] > 1:
        half = sums.shape[1] // 2
        sums = sums[:, :half] + sums[:, half:]
    return np.asarray(sums[:, 0])
