"""Coordinate descent over rounded weights."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_export.quantize.descent import BLOCK, descend
from unit.export.quantize.block_inputs import random, seen
from unit.export.quantize.observed import output_power

Float32 = NDArray[np.float32]
ENDS = (-8, 7)
SIZES = [1, 30, BLOCK, BLOCK + 1, 2 * BLOCK + 9]


def problem(inputs: int) -> tuple[Float32, Float32, Float32, Float32]:
    """Make values rounded to the nearest, their steps, the exact weight and a Hessian."""
    exact = random(inputs, 6)
    steps = np.full_like(exact, 0.3) * (1 + np.arange(inputs, dtype=np.float32)[:, np.newaxis] % 3)
    values = np.clip(np.rint(exact / steps), *ENDS)
    return values, steps, exact, seen(inputs).covariance + np.eye(inputs, dtype=np.float32)


def one_by_one(values: Float32, steps: Float32, exact: Float32, hessian: Float32) -> Float32:
    """Do so by the definition, in float64."""
    found, fine = values.astype(np.float64), hessian.astype(np.float64)
    for row in range(len(found)):
        slope = fine[row] @ (exact - found * steps)
        found[row] = np.clip(np.rint(found[row] + slope / (fine[row, row] * steps[row])), *ENDS)
    return found.astype(np.float32)


def once(values: Float32, steps: Float32, exact: Float32, hessian: Float32) -> Float32:
    """Visit each value once."""
    return descend(values, steps, hessian @ (exact - values * steps), hessian, ENDS)


@pytest.mark.parametrize("inputs", SIZES)
def test_blocks_change_nothing_of_the_definition(inputs: int) -> None:
    """Each value meets all moves before it, in its own block or an earlier one."""
    assert np.array_equal(once(*problem(inputs)), one_by_one(*problem(inputs)))


@pytest.mark.parametrize("inputs", SIZES[1:])
def test_the_output_s_error_only_falls(inputs: int) -> None:
    """For every output, pass by pass; values stay whole and within their ends."""
    values, steps, exact, hessian = problem(inputs)
    first = output_power(values * steps - exact, hessian)
    for _ in range(3):
        moved = once(values, steps, exact, hessian)
        for output in range(exact.shape[1]):
            one = slice(output, output + 1)
            before, after = (output_power((each * steps - exact)[:, one], hessian) for each in (values, moved))
            assert after <= before * (1 + 1e-5)
        assert np.array_equal(moved, np.clip(np.rint(moved), *ENDS))
        values = moved
    assert output_power(values * steps - exact, hessian) < 0.6 * first


def test_nothing_moves_that_is_exact() -> None:
    """Nor are the given values touched, if something does."""
    values, steps, exact, hessian = problem(80)
    assert np.array_equal(once(values, steps, values * steps, hessian), values)
    before = values.copy()
    assert not np.array_equal(once(values, steps, exact, hessian), before)
    assert np.array_equal(values, before)


def test_outputs_of_zeros_stay_zero() -> None:
    """Whatever their step."""
    zeros, hessian = np.zeros((70, 2), np.float32), seen(70).covariance
    steps = np.full((70, 2), np.finfo(np.float32).tiny)
    assert not once(zeros, steps, zeros, hessian).any()


@pytest.mark.parametrize("inputs", SIZES)
def test_the_gradient_is_kept_up(inputs: int) -> None:
    """What comes after needn't multiply with the Hessian again."""
    values, steps, exact, hessian = problem(inputs)
    gradient = hessian @ (exact - values * steps)
    moved = descend(values, steps, gradient, hessian, ENDS)
    expected = hessian @ (exact - moved * steps)
    assert np.allclose(gradient, expected, atol=1e-4 * np.abs(hessian).max())
