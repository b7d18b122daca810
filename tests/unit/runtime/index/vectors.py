"""Vectors like those of names, and indexes of them in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.index.folder import StoredVectors
from biolord_onnx.index.memory import stored
from biolord_onnx.index.scoring import unit_vectors

Floats = NDArray[np.float32]


def clustered(rows: int, dim: int, seed: int = 0) -> Floats:
    """Return vectors of length 1 that lie together in groups, float32 [rows, dim]."""
    random = np.random.default_rng(seed)
    centers = random.normal(size=(rows // 8 + 1, dim))
    vectors = centers[random.integers(0, len(centers), rows)] + 0.7 * random.normal(size=(rows, dim))
    return unit_vectors(vectors, dim)


def near(vectors: Floats, count: int, seed: int = 1) -> Floats:
    """Return queries of length 1 near some of the vectors, float32 [count, dim]."""
    random = np.random.default_rng(seed)
    queries = vectors[random.integers(0, len(vectors), count)] + random.normal(size=(count, vectors.shape[1])) * 0.02
    return unit_vectors(queries, vectors.shape[1])


def in_memory(vectors: Floats, *, low: bool = True) -> StoredVectors:
    """Return an index's vectors, with their low bits or not."""
    found = stored(vectors)
    return found if low else StoredVectors(found.high, None, found.figures, found.rows, found.dim)
