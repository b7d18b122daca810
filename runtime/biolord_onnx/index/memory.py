"""Vectors that are searched once, without an index."""

from __future__ import annotations

import numpy as np

from biolord_onnx.index.folder import ERRORS, STEPS, SUMS, StoredVectors
from biolord_onnx.index.packing import DIM_MULTIPLE, ROW_MULTIPLE, Vectors, filled, pack, to_panels
from biolord_onnx.index.scan import candidates
from biolord_onnx.index.scoring import score, unit_vectors
from biolord_onnx.index.wanted import Wanted


def nearest_rows(vectors: Vectors, query: Vectors, top: int) -> list[tuple[int, float]]:
    """Return the rows nearest to a query and their cosines, best first; of equal ones the earlier row.

    Args:
        vectors: float32 [rows, dim], of length 1.
        query: float32 [dim].
        top: How many, from 1 to the number of rows.
    """
    known = stored(vectors)
    unit = unit_vectors(query, known.dim)
    [rows] = candidates(known, unit, Wanted(top))
    scores = score(known, rows, unit[0])
    return [(int(rows[at]), float(scores[at])) for at in np.lexsort((rows, -scores))[:top]]


def stored(vectors: Vectors) -> StoredVectors:
    """Pack vectors, float32 [rows, dim], of length 1."""
    rows, dim = vectors.shape
    packed = pack(vectors)
    high = np.zeros((filled(rows, ROW_MULTIPLE), filled(dim, DIM_MULTIPLE)), np.int8)
    high[:rows, :dim] = packed.high
    figures = np.zeros((3, len(high)), np.float32)
    figures[STEPS, :rows], figures[ERRORS, :rows] = packed.steps, packed.errors
    figures[SUMS, :rows] = packed.high.sum(axis=1, dtype=np.int32)
    return StoredVectors(to_panels(high), packed.low, figures, rows, dim)
