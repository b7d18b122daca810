"""The grid of each token's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from biolord_export.quantize.token_grid import round_tokens
from unit.export.quantize.block_inputs import random

Float32 = NDArray[np.float32]

rows = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 70)),
    elements=st.floats(-(2.0**40), 2.0**40, width=32, allow_subnormal=False),
)


def spans(x: Float32) -> Float32:
    """Measure what each row's grid spans, float32 [tokens, 1]."""
    highest, lowest = np.maximum(x.max(axis=1, keepdims=True), 0), np.minimum(x.min(axis=1, keepdims=True), 0)
    return np.asarray(highest - lowest, dtype=np.float32)


@pytest.mark.parametrize("bits", [8, 16])
@given(x=rows)
def test_no_value_moves_further_than_half_a_step(bits: int, x: Float32) -> None:
    """Nor does anything clip: 0 is on the grid, which shifts its ends by half a step at most."""
    found, steps = round_tokens(x, bits), spans(x) / (2**bits - 1)
    assert found.dtype == np.float32
    assert (np.abs(found - x) <= steps * 1.01 + 1e-18).all()
    inside = (x > x.min(axis=1, keepdims=True)) & (x < x.max(axis=1, keepdims=True))
    inner = inside & (np.abs(x) < spans(x) / 4)
    assert (np.abs(found - x)[inner] <= np.broadcast_to(steps * 0.51 + 1e-18, x.shape)[inner]).all()


@pytest.mark.parametrize("bits", [8, 16])
@given(x=rows)
def test_zero_stays_zero(bits: int, x: Float32) -> None:
    """Channels that are off stay off, whatever else the token has."""
    x[:, 0] = 0
    assert not round_tokens(x, bits)[:, 0].any()


@given(x=rows)
def test_a_token_is_rounded_as_if_it_were_alone(x: Float32) -> None:
    """Bit by bit."""
    alone = np.concatenate([round_tokens(x[row : row + 1]) for row in range(len(x))])
    assert np.array_equal(round_tokens(x), alone)


def test_a_row_has_256_values() -> None:
    """All of a fine row's grid is used, and no more."""
    x = np.linspace(-1, 3, 5000, dtype=np.float32)[np.newaxis]
    assert len(np.unique(round_tokens(x))) == 256
    assert len(np.unique(round_tokens(x, 16))) == 5000


def test_rows_on_one_side_of_zero_have_the_whole_grid() -> None:
    """A row that never falls below 0 is rounded to multiples of its highest value over 255."""
    x = np.abs(random(3, 40)) + 1
    steps = x.max(axis=1, keepdims=True) / 255
    assert np.allclose(round_tokens(x), np.rint(x / steps) * steps, rtol=1e-5)
    assert np.array_equal(round_tokens(-x), -round_tokens(x))
