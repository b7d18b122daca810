"""Rounding to 4 bits by GPTQ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_export.quantise.block import BLOCK, BlockWeight, split_blocks
from biolord_export.quantise.block_gptq import round_block4
from biolord_export.quantise.gptq import LEAF, damp, inverse_factor
from unit.export.quantise.block_inputs import correlated, random, relative, seen


def round_to_nearest(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to 4 bits without looking at inputs, on the same kind of grid."""
    blocks = split_blocks(weight.T)
    lowest, highest = np.minimum(blocks.min(axis=2), 0), np.maximum(blocks.max(axis=2), 0)
    scales = (highest - lowest) / 15
    zero_points = np.rint(-lowest / scales)[..., np.newaxis]
    codes = np.clip(np.rint(blocks / scales[..., np.newaxis]) + zero_points, 0, 15)
    return BlockWeight(4, len(weight), codes.astype(np.uint8), scales, zero_points[..., 0].astype(np.uint8)).dense()


def output_error(rounded: NDArray[np.float32], exact: NDArray[np.float32], inputs: NDArray[np.float32]) -> float:
    """Compare outputs for some inputs, their mean set aside."""
    centred = inputs - inputs.mean(axis=0)
    return relative(centred @ rounded, centred @ exact)


@pytest.mark.parametrize("inputs", [64, 96, 80, 40])
def test_outputs_on_new_inputs_are_nearer_than_by_plain_rounding(inputs: int) -> None:
    """On inputs it was not fitted to, GPTQ leaves less than two thirds of the output error."""
    weight = random(inputs, 24)
    rounded = round_block4(weight, seen(inputs).covariance)
    unseen = correlated(300, inputs, seed=5)
    assert output_error(rounded.dense(), weight, unseen) < 0.67 * output_error(round_to_nearest(weight), weight, unseen)


def test_independent_inputs_leave_nothing_to_make_up_for() -> None:
    """With a diagonal covariance, every weight is within a step of where it was, and the search still helps."""
    weight = random(64, 24)
    rounded = round_block4(weight, np.eye(64, dtype=np.float32))
    assert relative(rounded.dense(), weight) < relative(round_to_nearest(weight), weight)


@settings(deadline=None, max_examples=20)
@given(inputs=st.integers(1, 70), outputs=st.integers(1, 6), dead=st.booleans())
def test_any_weight_is_rounded_into_the_operator_s_ranges(inputs: int, outputs: int, dead: bool) -> None:
    """Codes and zero points have 4 bits, scales are finite and positive, also where no input ever varied."""
    weight = random(inputs, outputs)
    covariance = np.zeros((inputs, inputs), np.float32) if dead else seen(inputs, tokens=20).covariance
    rounded = round_block4(weight, covariance)
    assert rounded.codes.shape == (outputs, -(-inputs // BLOCK), BLOCK)
    assert rounded.codes.max() <= 15
    assert rounded.zero_points.max() <= 15
    assert np.isfinite(rounded.scales).all()
    assert (rounded.scales > 0).all()
    assert rounded.dense().shape == weight.shape


def test_a_weight_of_zeros_stays_zero() -> None:
    """An output that nothing feeds is 0 after rounding."""
    weight = random(64, 3)
    weight[:, 1] = 0
    dense = round_block4(weight, seen(64).covariance).dense()
    assert not dense[:, 1].any()
    assert dense[:, 0].any()


@pytest.mark.parametrize("size", [1, 5, LEAF, LEAF + 1, 3 * LEAF + 7])
def test_the_factor_s_square_is_the_inverse(size: int) -> None:
    """U is upper triangular and U^T U times the matrix is the identity, whichever way the halves fall."""
    rows = random(2 * size, size)
    matrix = damp(rows.T @ rows)
    factor = inverse_factor(matrix)
    assert np.array_equal(factor, np.triu(factor))
    assert np.allclose(factor.T @ factor @ matrix, np.eye(size), atol=1e-3)


def test_damping_lets_constant_inputs_be_inverted() -> None:
    """A covariance with empty rows, or nothing but zeros, becomes one that has a factor."""
    half = np.diag([4.0, 0.0]).astype(np.float32)
    assert np.diagonal(damp(half)).tolist() == pytest.approx([4.02, 0.02])
    assert np.diagonal(damp(np.zeros((2, 2), dtype=np.float32))).tolist() == [1, 1]
    assert half[1, 1] == 0
