"""Vectors cut to their first numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.embedder import Embedder
from biolord_onnx.encoding.cutting import Cut, unit_vectors
from unit.runtime.tiny_artifact import DIM

TEXTS = ["cat scratch", "fever", "cat scratch", "", "dog bite of the heart"]


@given(st.integers(1, 40), st.integers(1, 70), st.integers(0, 99))
def test_a_row_is_scaled_to_the_same_bits_alone_and_among_others(rows: int, width: int, seed: int) -> None:
    """Of any width, to length 1."""
    vectors = np.random.default_rng(seed).normal(0, 1, (rows, width)).astype(np.float32)
    found = unit_vectors(vectors)
    np.testing.assert_allclose(np.linalg.norm(found.astype(np.float64), axis=1), 1, atol=1e-6)
    for row, vector in zip(vectors, found, strict=True):
        assert unit_vectors(row[None]).tobytes() == vector.tobytes()


def test_zeros_stay_zeros() -> None:
    """They have no direction."""
    assert not Cut(2, unit=True).apply(np.zeros((3, 4), np.float32)).any()


@pytest.mark.parametrize("overflow", ["truncate", "window"])
def test_a_cut_vector_is_the_beginning_of_the_whole_one(embedder: Embedder, overflow: str) -> None:
    """Scaled after the cut, where unit vectors are asked for; of long texts, too."""
    texts = [*TEXTS, "cat scratch fever " * 20]
    whole = embedder.encode_with_info(texts, overflow=overflow).vectors  # type: ignore[arg-type]
    cut = embedder.encode_with_info(texts, truncate_dim=3, overflow=overflow).vectors  # type: ignore[arg-type]
    np.testing.assert_array_equal(cut, whole[:, :3])
    unit = embedder.encode_with_info(texts, truncate_dim=3, normalize=True, overflow=overflow).vectors  # type: ignore[arg-type]
    np.testing.assert_array_equal(unit, unit_vectors(whole[:, :3]))


def test_a_cut_in_every_format(embedder: Embedder) -> None:
    """The width is that of the cut; binary has eight dimensions a number."""
    assert embedder.encode(TEXTS, truncate_dim=DIM).shape == (5, DIM)
    assert embedder.encode(TEXTS, truncate_dim=3, precision="float16").shape == (5, 3)
    assert embedder.encode(TEXTS, truncate_dim=3, precision="binary").shape == (5, 1)
    assert embedder.encode("fever", truncate_dim=3).shape == (3,)
    assert [part.shape for part in embedder.encode_stream(TEXTS, truncate_dim=2)] == [(5, 2)]
