"""Weights in signed 8 bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_export.quantize.weight8 import Int8Weight, round_weight
from unit.export.quantize.block_inputs import correlated, random, seen
from unit.export.quantize.observed import output_power

Float32 = NDArray[np.float32]


def plain(weight: Float32) -> Float32:
    """Round to the nearest multiples of each output's scale, without looking at inputs."""
    scales = np.abs(weight).max(axis=0) / np.float32(127)
    return np.asarray(np.rint(weight / scales) * scales, dtype=np.float32)


def test_dense_is_integers_times_their_outputs_scales() -> None:
    """A scale belongs to a column."""
    values = np.array([[1, -2], [127, 4]], dtype=np.int8)
    dense = Int8Weight(values, np.array([0.5, 2.0], dtype=np.float32)).dense()
    assert dense.dtype == np.float32
    assert dense.tolist() == [[0.5, -4.0], [63.5, 8.0]]


@pytest.mark.parametrize("inputs", [32, 100, 160])
def test_correlated_inputs_lose_less_than_by_plain_rounding(inputs: int) -> None:
    """With the covariance it was fitted to, and on new inputs too, outputs are nearer than plain rounding's."""
    weight, covariance = random(inputs, 20), seen(inputs).covariance
    unseen = correlated(400, inputs, seed=9)
    unseen -= unseen.mean(axis=0)
    _, rounded = round_weight(weight, covariance)
    for hessian, share in ((covariance, 0.5), (unseen.T @ unseen, 0.6)):
        error = output_power(rounded.dense() - weight, hessian)
        assert error < share * output_power(plain(weight) - weight, hessian)


def test_white_inputs_leave_plain_rounding() -> None:
    """Where inputs have nothing to do with one another, every weight goes to the nearest step."""
    weight = random(90, 20)
    kept, rounded = round_weight(weight, np.eye(90, dtype=np.float32))
    assert kept.shape == (0, 20)
    assert np.array_equal(rounded.dense(), plain(weight))


@settings(deadline=None, max_examples=30)
@given(inputs=st.integers(1, 70), outputs=st.integers(1, 6), size=st.floats(1e-20, 1e15), dead=st.booleans())
def test_any_weight_is_rounded_into_127_steps_a_side(inputs: int, outputs: int, size: float, dead: bool) -> None:
    """An output's largest weight ends the grid, -128 isn't used, and inputs may be such that never vary."""
    weight = random(inputs, outputs) * np.float32(size)
    covariance = np.zeros((inputs, inputs), np.float32) if dead else seen(inputs, tokens=20).covariance
    _, rounded = round_weight(weight, covariance)
    assert (rounded.values.dtype, rounded.values.shape) == (np.dtype(np.int8), weight.shape)
    assert rounded.values.min() >= -127
    assert np.allclose(rounded.scales, np.abs(weight).max(axis=0) / 127, rtol=1e-5, atol=0)


def test_an_output_of_zeros_stays_zero() -> None:
    """Its scale can be divided by, and no other output is touched."""
    weight = random(40, 3)
    weight[:, 1] = 0
    _, rounded = round_weight(weight, seen(40).covariance)
    assert (rounded.scales > 0).all()
    assert not rounded.values[:, 1].any()
    assert rounded.values[:, [0, 2]].any(axis=0).all()


def test_an_output_s_size_is_its_scale_s_alone() -> None:
    """Eight times the weight gives eight times the scale and the same integers; the other outputs stay."""
    weight = random(70, 4)
    larger = weight * np.array([1, 8, 1, 1], dtype=np.float32)
    _, before = round_weight(weight, seen(70).covariance)
    _, after = round_weight(larger, seen(70).covariance)
    assert np.array_equal(after.values, before.values)
    assert np.array_equal(after.scales, before.scales * np.array([1, 8, 1, 1], dtype=np.float32))


def test_the_order_of_inputs_does_not_matter() -> None:
    """Rows of a shuffled weight are rounded as they are unshuffled: the order of the work is that of the energies."""
    weight, covariance = random(100, 8), seen(100).covariance
    shuffled = np.random.default_rng(4).permutation(100)
    _, straight = round_weight(weight, covariance)
    _, other = round_weight(weight[shuffled], covariance[np.ix_(shuffled, shuffled)])
    assert np.array_equal(other.values, straight.values[shuffled])


def test_the_strongest_input_is_rounded_first() -> None:
    """Nothing is spread to the row that meets the largest activations, so its weights go to the nearest steps."""
    weight, covariance = random(60, 30), seen(60).covariance
    strongest, weakest = np.argmax(np.diagonal(covariance)), np.argmin(np.diagonal(covariance))
    _, rounded = round_weight(weight, covariance)
    assert np.array_equal(rounded.dense()[strongest], plain(weight)[strongest])
    assert not np.array_equal(rounded.dense()[weakest], plain(weight)[weakest])


@pytest.mark.parametrize("outliers", [1, 8, 32])
def test_wide_inputs_soak_up_what_the_others_leave(outliers: int) -> None:
    """The float32 rows are moved so that the error is well below that of leaving them where they were."""
    weight, covariance = random(96, 12), seen(96).covariance
    kept, rounded = round_weight(weight, covariance, outliers)
    assert (kept.shape, rounded.values.shape) == ((outliers, 12), (96 - outliers, 12))
    moved = np.concatenate([kept, rounded.dense()]) - weight
    unmoved = np.concatenate([weight[:outliers], rounded.dense()]) - weight
    assert 0 < np.abs(kept - weight[:outliers]).max() < np.abs(weight).max()
    assert output_power(moved, covariance) < 0.95 * output_power(unmoved, covariance)


def test_wide_inputs_do_not_stretch_the_others_grid() -> None:
    """Scales are those of the rounded rows, however large the rows that stay in float32."""
    weight = random(64, 5)
    weight[:4] *= 1000
    kept, rounded = round_weight(weight, np.eye(64, dtype=np.float32), 4)
    assert np.array_equal(kept, weight[:4])
    assert np.allclose(rounded.scales, np.abs(weight[4:]).max(axis=0) / 127)
    assert np.abs(rounded.dense() - weight[4:]).max() < 0.02


def test_the_given_weight_is_left_alone() -> None:
    """Rounding works on a copy of weight and covariance."""
    weight, covariance = random(30, 4), seen(30).covariance
    before = weight.copy(), covariance.copy()
    round_weight(weight, covariance, 8)
    assert np.array_equal(weight, before[0])
    assert np.array_equal(covariance, before[1])
