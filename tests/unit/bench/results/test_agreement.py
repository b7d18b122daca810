"""Vectors are compared by direction, and what has none is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_bench.results.agreement import NotComparableError, batch_dependence, cosines, fidelity
from biolord_bench.results.figures import BatchDependence

VECTORS = np.array([[3.0, 0.0], [0.0, 2.0]], dtype=np.float32)


def test_vectors_are_compared_by_direction(tmp_path: Path) -> None:
    """Length doesn't count."""
    others = np.array([[1.0, 0.0], [1.0, 1.0]], dtype=np.float32)
    assert cosines(VECTORS, others) == pytest.approx([1, 0.5**0.5])
    np.save(tmp_path / "a-all.npy", VECTORS)
    np.save(tmp_path / "b-all.npy", others)
    found = fidelity(f"{tmp_path}/a", f"{tmp_path}/b", "b")
    assert (found.mean, found.minimum) == pytest.approx(((1 + 0.5**0.5) / 2, 0.5**0.5))
    assert (found.texts, found.against) == (2, "b")


def test_what_a_batch_changes(tmp_path: Path) -> None:
    """Nothing is 0."""
    for name in ("alone", "batch"):
        np.save(tmp_path / f"a-{name}.npy", VECTORS)
    assert batch_dependence(f"{tmp_path}/a") == BatchDependence(0, 0, 2)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        (VECTORS[:1], r"vectors are \(2, 2\), the reference's \(1, 2\)"),
        (np.zeros((2, 2), dtype=np.float32), "a vector is zero, or isn't finite"),
        (np.full((2, 2), np.nan, dtype=np.float32), "a vector is zero, or isn't finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(others: NDArray[np.float32], message: str) -> None:
    """A cosine of such vectors would be a number without meaning."""
    with pytest.raises(NotComparableError, match=message):
        cosines(VECTORS, others)
