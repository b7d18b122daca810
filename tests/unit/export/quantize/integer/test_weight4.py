"""Weights in 4 bits for the compiled operators."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_export.kernels.layers import HIGHEST4, LARGEST_GROUP_SCALE, LOWEST4
from biolord_export.quantize.integer.weight import IntegerWeight
from biolord_export.quantize.integer.weight4 import GROUP, round_weight4
from unit.export.quantize.block_inputs import correlated, random, seen
from unit.export.quantize.observed import output_power

Float32 = NDArray[np.float32]


def plain(weight: Float32) -> Float32:
    """Round each group of each output to the nearest of 16 steps that clip nothing, whatever step that takes."""
    groups = weight.reshape(-1, GROUP, weight.shape[1])
    steps = np.maximum(groups.max(axis=1, keepdims=True) / HIGHEST4, groups.min(axis=1, keepdims=True) / LOWEST4)
    return np.asarray(np.rint(groups / steps) * steps, dtype=np.float32).reshape(weight.shape)


def whole(weights: tuple[IntegerWeight, ...]) -> Float32:
    """Put the parts of a weight together."""
    return np.concatenate([weight.dense() for weight in weights])


def group_scales(weight: IntegerWeight) -> NDArray[np.int8]:
    """Give the scales of a weight's groups, which it must have."""
    assert weight.group_scales is not None
    return weight.group_scales


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("inputs", [64, 128, 192])
def test_correlated_inputs_lose_less_than_by_plain_rounding(inputs: int, parts: int) -> None:
    """With the covariance it was fitted to, and on new inputs too, though scales are whole numbers."""
    weight, covariance = random(inputs, 20), seen(inputs).covariance
    unseen = correlated(400, inputs, seed=9)
    unseen -= unseen.mean(axis=0)
    found = whole(round_weight4(weight, covariance, [inputs // parts] * parts))
    for hessian, share in ((covariance, 0.4), (unseen.T @ unseen, 0.5)):
        assert output_power(found - weight, hessian) < share * output_power(plain(weight) - weight, hessian)


def test_white_inputs_come_near_plain_rounding() -> None:
    """Whole scales and 16 steps without a zero point cost little where nothing can be made up for."""
    weight = random(96, 20)
    found = whole(round_weight4(weight, np.eye(96, dtype=np.float32)))
    assert np.square(found - weight).sum() < 1.05 * np.square(plain(weight) - weight).sum()


@settings(deadline=None, max_examples=20)
@given(
    groups=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    outputs=st.integers(1, 5),
    size=st.floats(1e-10, 1e6),
    spread=st.floats(1, 1e6),
    dead=st.booleans(),
)
def test_any_weight_becomes_what_the_operators_take(
    groups: list[int], outputs: int, size: float, spread: float, dead: bool
) -> None:
    """Values of 4 bits, whole scales from 1 to 15, products within 8 bits, for groups of whatever ranges."""
    widths = [GROUP * each for each in groups]
    inputs = sum(widths)
    ranges = np.geomspace(1, spread, inputs, dtype=np.float32)[:, np.newaxis]
    weight = random(inputs, outputs) * ranges * np.float32(size)
    covariance = np.zeros((inputs, inputs), np.float32) if dead else seen(inputs, tokens=20).covariance
    found = round_weight4(weight, covariance, widths)
    assert [each.values.shape for each in found] == [(width, outputs) for width in widths]
    for count, each in zip(groups, found, strict=True):
        scales = group_scales(each)
        assert [str(a.dtype) for a in (each.values, scales, each.scale)] == ["int8", "int8", "float32"]
        assert scales.shape == (count, outputs)
        assert LOWEST4 <= each.values.min() <= each.values.max() <= HIGHEST4
        assert 1 <= scales.min() <= scales.max() <= LARGEST_GROUP_SCALE
        assert np.abs(each.values * np.repeat(scales.astype(int), GROUP, axis=0)).max() <= 127
        assert (each.scale > 0).all()
    assert np.isfinite(whole(found)).all()


def test_groups_have_scales_of_their_own() -> None:
    """Rows a dozen times the rest don't coarsen those of another group, nor rows a thousand times those of a part."""
    weight = random(64, 5)
    weight[:32] *= 12
    (found,) = round_weight4(weight, np.eye(64, dtype=np.float32))
    assert (group_scales(found)[0] > 5 * group_scales(found)[-1]).all()
    weight[:32] *= 100
    assert np.abs(whole(round_weight4(weight, np.eye(64, dtype=np.float32), [32, 32]))[32:] - weight[32:]).max() < 0.4


def test_an_output_of_zeros_stays_zero() -> None:
    """Its scale can be divided by, and no other output is touched."""
    weight = random(64, 3)
    weight[:, 1] = 0
    (found,) = round_weight4(weight, seen(64).covariance)
    assert (found.scale > 0).all()
    assert not found.values[:, 1].any()
    assert found.values[:, [0, 2]].any(axis=0).all()


def test_the_given_weight_is_left_alone() -> None:
    """Rounding works on a copy of weight and covariance."""
    weight, covariance = random(64, 4), seen(64).covariance
    before = weight.copy(), covariance.copy()
    round_weight4(weight, covariance, [16, 48])
    assert np.array_equal(weight, before[0])
    assert np.array_equal(covariance, before[1])
