"""Compares vectors that the workers have written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cosines between two sets of vectors of the same texts.

    Attributes:
        mean: of all.
        minimum: the worst.
        texts: how many.
    """

    mean: float
    minimum: float
    texts: int


def fidelity(stem: str, reference: str) -> Agreement:
    """Compare a row's vectors with the reference's, both of all texts in one call.

    Args:
        stem: the row's files without ``-all.npy``.
        reference: likewise, the reference's.
    """
    return agreement(_load(f"{stem}-all.npy"), _load(f"{reference}-all.npy"))


def batch_dependence(stem: str) -> Agreement:
    """Compare vectors of texts that were encoded alone with those of the same texts in mixed batches."""
    return agreement(_load(f"{stem}-alone.npy"), _load(f"{stem}-batch.npy"))


def agreement(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> Agreement:
    """Compare two arrays [n, dim] row by row.

    Raises:
        ValueError: they have different shapes.
    """
    if vectors.shape != others.shape:
        raise ValueError(f"vectors are {vectors.shape}, the reference {others.shape}: not the same texts or model")
    cosines = (_unit(vectors) * _unit(others)).sum(axis=1)
    return Agreement(float(cosines.mean()), float(cosines.min()), len(cosines))


def _load(file: str) -> NDArray[np.float32]:
    array: NDArray[np.float32] = np.load(Path(file), allow_pickle=False)
    return array


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    # In double precision, because 1 - cosine is what is looked at, and that is near float32's last digit.
    precise = vectors.astype(np.float64)
    unit: NDArray[np.float64] = precise / np.linalg.norm(precise, axis=1, keepdims=True)
    return unit
