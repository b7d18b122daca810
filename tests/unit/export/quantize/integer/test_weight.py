"""Weights in 8 bits for the compiled operators."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_export.quantize.integer.weight import IntegerWeight, dense, round_weight8
from unit.export.quantize.block_inputs import correlated, random, seen
from unit.export.quantize.observed import output_power

Float32 = NDArray[np.float32]


def plain(weight: Float32, parts: int = 1) -> Float32:
    """Round to the nearest multiples of each output's scale in each part, without looking at inputs."""
    cut = weight.reshape(parts, -1, weight.shape[1])
    scales = np.abs(cut).max(axis=1, keepdims=True) / np.float32(127)
    return np.asarray(np.rint(cut / scales) * scales, dtype=np.float32).reshape(weight.shape)


def whole(weights: tuple[IntegerWeight, ...]) -> Float32:
    """Put the parts of a weight together."""
    return np.concatenate([weight.dense() for weight in weights])


def test_dense_is_integers_times_their_scales() -> None:
    """A scale belongs to a column, a group's to some rows of it."""
    values = np.array([[1, -2], [127, 4], [3, 0], [-1, 5]], dtype=np.int8)
    scale = np.array([0.5, 2.0], dtype=np.float32)
    assert dense(values, scale, None).tolist() == [[0.5, -4.0], [63.5, 8.0], [1.5, 0.0], [-0.5, 10.0]]
    groups = np.array([[1, 15], [2, 3]], dtype=np.int8)
    assert dense(values, scale, groups).tolist() == [[0.5, -60.0], [63.5, 120.0], [3.0, 0.0], [-1.0, 30.0]]


@pytest.mark.parametrize("parts", [1, 4])
@pytest.mark.parametrize("inputs", [32, 100, 160])
def test_correlated_inputs_lose_less_than_by_plain_rounding(inputs: int, parts: int) -> None:
    """With the covariance it was fitted to, and on new inputs too, outputs are nearer than plain rounding's."""
    weight, covariance = random(inputs, 20), seen(inputs).covariance
    unseen = correlated(400, inputs, seed=9)
    unseen -= unseen.mean(axis=0)
    found = whole(round_weight8(weight, covariance, [inputs // parts] * parts))
    for hessian, share in ((covariance, 0.5), (unseen.T @ unseen, 0.6)):
        error = output_power(found - weight, hessian)
        assert error < share * output_power(plain(weight, parts) - weight, hessian)


@pytest.mark.parametrize("parts", [1, 3])
def test_white_inputs_leave_plain_rounding(parts: int) -> None:
    """Where inputs have nothing to do with one another, every weight goes to the nearest step."""
    weight = random(90, 20)
    found = whole(round_weight8(weight, np.eye(90, dtype=np.float32), [90 // parts] * parts))
    assert np.array_equal(found, plain(weight, parts))


def test_parts_have_scales_of_their_own() -> None:
    """Rows a thousand times the rest don't coarsen those of another part, however wide that is."""
    weight = random(64, 5)
    weight[:16] *= 1000
    one, two = (whole(round_weight8(weight, np.eye(64, dtype=np.float32), widths)) for widths in (None, [16, 48]))
    assert np.abs(two[16:] - weight[16:]).max() < 0.02 < np.abs(one[16:] - weight[16:]).max()


@settings(deadline=None, max_examples=30)
@given(
    widths=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    outputs=st.integers(1, 6),
    size=st.floats(1e-20, 1e15),
    dead=st.booleans(),
)
def test_any_weight_is_rounded_into_127_steps_a_side(widths: list[int], outputs: int, size: float, dead: bool) -> None:
    """The kernels take -127 to 127, and inputs may be such that never vary."""
    weight = random(sum(widths), outputs) * np.float32(size)
    width = len(weight)
    covariance = np.zeros((width, width), np.float32) if dead else seen(width, tokens=20).covariance
    found = round_weight8(weight, covariance, widths)
    assert [each.values.shape for each in found] == [(each, outputs) for each in widths]
    assert {each.values.dtype for each in found} == {np.dtype(np.int8)}
    assert min(each.values.min() for each in found) >= -127
    assert all(each.scale.dtype == np.float32 and (each.scale > 0).all() for each in found)
    assert np.isfinite(whole(found)).all()


def test_an_output_of_zeros_stays_zero() -> None:
    """Its scale can be divided by, and no other output is touched."""
    weight = random(40, 3)
    weight[:, 1] = 0
    (found,) = round_weight8(weight, seen(40).covariance)
    assert (found.scale > 0).all()
    assert not found.values[:, 1].any()
    assert found.values[:, [0, 2]].any(axis=0).all()


def test_the_order_of_inputs_does_not_matter() -> None:
    """Rows of a shuffled weight are rounded as they are unshuffled: the order of the work is that of the energies."""
    weight, covariance = random(100, 8), seen(100).covariance
    shuffled = np.random.default_rng(4).permutation(100)
    straight = whole(round_weight8(weight, covariance))
    other = whole(round_weight8(weight[shuffled], covariance[np.ix_(shuffled, shuffled)]))
    assert np.allclose(other, straight[shuffled], atol=1e-6)


def test_the_given_weight_is_left_alone() -> None:
    """Rounding works on a copy of weight and covariance."""
    weight, covariance = random(32, 4), seen(32).covariance
    before = weight.copy(), covariance.copy()
    round_weight8(weight, covariance, [8, 24])
    assert np.array_equal(weight, before[0])
    assert np.array_equal(covariance, before[1])


def test_a_bias_makes_it_a_layer() -> None:
    """Nothing else is added."""
    (weight,) = round_weight8(random(32, 4), seen(32).covariance)
    layer = weight.biased(np.arange(4.0, dtype=np.float32))
    assert layer.values is weight.values
    assert (layer.bias.tolist(), layer.bias.dtype, layer.group_scales) == ([0, 1, 2, 3], np.dtype(np.float32), None)
