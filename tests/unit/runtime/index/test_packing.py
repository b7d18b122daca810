"""Vectors as whole numbers of 24 bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from biolord_onnx.index.packing import PANEL_ROWS, from_panels, pack, restore, to_panels
from unit.runtime.index.vectors import Floats, clustered

NUMBERS = st.one_of(st.just(0.0), st.floats(2.0**-20, 1, width=32), st.floats(-1, -(2.0**-20), width=32))


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(1, 9)),
        elements=NUMBERS,
    )
)
def test_what_is_stored_is_as_near_as_float32(vectors: Floats) -> None:
    """Of a vector's largest number two last bits are lost at most; and the error of the high bits is bounded."""
    packed = pack(vectors)
    largest = np.abs(vectors).max(axis=1, initial=0)
    whole = restore(packed.high, packed.low, packed.steps)
    assert (np.abs(whole - vectors) <= (largest * 2.0**-22)[:, None]).all()
    left = np.linalg.norm(packed.low * packed.steps.astype(np.float64)[:, None], axis=1)
    assert (left <= packed.errors).all()
    assert (packed.errors <= left * (1 + 1e-5)).all()


def test_nothing_but_zeros() -> None:
    """A vector of zeros is stored as such."""
    packed = pack(np.zeros((2, 3), np.float32))
    assert not restore(packed.high, packed.low, packed.steps).any()


@pytest.mark.parametrize("dim", [64, 768])
def test_the_layout_is_that_of_the_kernels(dim: int) -> None:
    """As kernels/README.md gives it for weights, with rows as outputs."""
    high = pack(clustered(32, dim)).high
    panels = to_panels(high)
    assert panels.shape == (2, dim // 4, PANEL_ROWS, 4)
    weights = high.T
    expected = weights.reshape(dim // 4, 4, 2, 16).transpose(2, 0, 3, 1)
    assert np.array_equal(panels, expected)
    rows = np.array([31, 0, 17])
    assert np.array_equal(from_panels(panels, rows, dim - 3), high[rows, : dim - 3])
