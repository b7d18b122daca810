"""Compares vectors that the workers have written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolord_bench.results.figures import BatchDependence, Fidelity


class NotComparableError(ValueError):
    """Vectors of different texts or lengths, or vectors without a direction."""


def fidelity(stem: str, reference: str, against: str) -> Fidelity:
    """Compare a row's vectors with the reference's, both of all texts in one call.

    Args:
        stem: the row's files without ``-all.npy``.
        reference: likewise, the reference's.
        against: the reference's name.

    Raises:
        NotComparableError: as of `cosines`.
    """
    found = cosines(_load(f"{stem}-all.npy"), _load(f"{reference}-all.npy"))
    return Fidelity(float(found.mean()), float(found.min()), len(found), against)


def batch_dependence(stem: str) -> BatchDependence:
    """Compare vectors of texts that were encoded alone with those of the same texts in mixed batches.

    Args:
        stem: the row's files without ``-alone.npy`` and ``-batch.npy``.

    Raises:
        NotComparableError: as of `cosines`.
    """
    found = cosines(_load(f"{stem}-alone.npy"), _load(f"{stem}-batch.npy"))
    return BatchDependence(1 - float(found.mean()), 1 - float(found.min()), len(found))


def cosines(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compare two arrays [n, dim] row by row.

    Returns:
        float64 [n].

    Raises:
        NotComparableError: they have different shapes, or a vector has no direction.
    """
    if vectors.shape != others.shape:
        raise NotComparableError(f"vectors are {vectors.shape}, the reference's {others.shape}: another model or texts")
    found: NDArray[np.float64] = (_unit(vectors) * _unit(others)).sum(axis=1)
    return found


def _load(file: str) -> NDArray[np.float32]:
    array: NDArray[np.float32] = np.load(Path(file), allow_pickle=False)
    return array


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    # In double precision, because 1 - cosine is what is looked at, and that is near float32's last digit.
    precise = vectors.astype(np.float64)
    lengths = np.linalg.norm(precise, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise NotComparableError("a vector is zero, or isn't finite")
    unit: NDArray[np.float64] = precise / lengths
    return unit
