"""How near a search comes to an exact scan of the vectors as they were embedded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.index.building.vectors import Gathered
from biolord_onnx.index.folder import StoredVectors
from biolord_onnx.index.manifest import Recall
from biolord_onnx.index.packing import Vectors
from biolord_onnx.index.scan import candidates
from biolord_onnx.index.scoring import score, unit_vectors
from biolord_onnx.index.wanted import Wanted

QUERIES = 100
TOP = 10
_BLOCK_ROWS = 16384


def measure_recall(stored: StoredVectors, gathered: Gathered) -> Recall:
    """Look for names all over an index, each of which finds itself and others."""
    rows = len(gathered.known)
    chosen = np.unique(np.linspace(0, rows - 1, min(QUERIES, rows)).astype(np.int64))
    queries = unit_vectors(np.concatenate([gathered.original(int(row), int(row) + 1) for row in chosen]), stored.dim)
    top = min(TOP, rows)
    expected = _nearest(gathered, queries, top)
    found = candidates(stored, queries, Wanted(top))
    same = 0
    for query, near, some in zip(queries, expected, found, strict=True):
        best = some[np.lexsort((some, -score(stored, some, query)))][:top]
        same += len(np.intersect1d(best, near))
    return Recall(same / (len(queries) * top), len(queries))


def _nearest(gathered: Gathered, queries: Vectors, top: int) -> NDArray[np.int64]:
    rows = np.empty((len(queries), 0), np.int64)
    scores = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(gathered.known), _BLOCK_ROWS):
        some = queries @ gathered.original(start, min(start + _BLOCK_ROWS, len(gathered.known))).T
        scores = np.concatenate([scores, some], axis=1)
        rows = np.concatenate([rows, np.broadcast_to(np.arange(start, start + some.shape[1]), some.shape)], axis=1)
        order = (-scores).argsort(axis=1, kind="stable")[:, :top]
        scores, rows = np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1)
    return rows
