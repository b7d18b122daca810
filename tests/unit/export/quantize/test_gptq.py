"""Spreading rounding errors over the inputs still to come."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_export.quantize.gptq import BLOCK, LEAF, damp, spread_rounding
from unit.export.quantize.block_inputs import correlated, random, seen
from unit.export.quantize.observed import output_power

Float32 = NDArray[np.float32]
Rounder = Callable[[int, Float32], Float32]
STEP = np.float32(0.25)
SIZES = [1, 30, BLOCK, BLOCK + 1, LEAF + 9]
"""Within a block, at its edge, and past the size from which triangles are inverted in halves."""


def coarse(_: int, row: Float32) -> Float32:
    """Round to steps."""
    return np.asarray(np.rint(row / STEP) * STEP, dtype=np.float32)


def spread(weight: Float32, hessian: Float32, rounder: Rounder) -> Float32:
    """Round a copy."""
    rounded = weight.copy()
    spread_rounding(rounded, hessian, rounder)
    return rounded


def one_by_one(weight: Float32, hessian: Float32, rounder: Rounder) -> Float32:
    """Round by the definition, in float64: row by row, each row taken out of the inverse once it is rounded."""
    inverse, exact = np.linalg.inv(damp(hessian).astype(np.float64)), weight.astype(np.float64)
    for row in range(len(exact)):
        rounded = rounder(row, exact[row].astype(np.float32)).astype(np.float64)
        share = inverse[row] / inverse[row, row]
        exact[row + 1 :] -= np.outer(share[row + 1 :], exact[row] - rounded)
        exact[row] = rounded
        inverse -= np.outer(share, inverse[row])
    return exact.astype(np.float32)


@pytest.mark.parametrize("inputs", SIZES)
def test_blocks_and_factors_change_nothing_of_the_definition(inputs: int) -> None:
    """Errors reach later rows as optimal brain surgery says, whichever block rows are in."""

    def shrink(row: int, ideal: Float32) -> Float32:
        return np.asarray(ideal * np.float32(0.9 if row % 2 else 1.1), dtype=np.float32)

    weight, hessian = random(inputs, 5), seen(inputs).covariance
    expected = one_by_one(weight, hessian, shrink)
    assert np.allclose(spread(weight, hessian, shrink), expected, atol=2e-3 * np.abs(expected).max())
    assert inputs == 1 or not np.allclose(expected, [shrink(*pair) for pair in enumerate(weight)], atol=1e-2)


@pytest.mark.parametrize("inputs", [16, 100, 150])
@pytest.mark.parametrize("seed", [1, 2])
def test_correlated_inputs_lose_less_than_by_plain_rounding(inputs: int, seed: int) -> None:
    """Measured with the Hessian, the output's error is less than half of plain rounding's."""
    rows = correlated(400, inputs, seed=seed)
    weight, hessian = random(inputs, 12, seed=seed), rows.T @ rows
    plain = output_power(coarse(0, weight) - weight, hessian)
    assert output_power(spread(weight, hessian, coarse) - weight, hessian) < 0.5 * plain


@pytest.mark.parametrize("level", [1e-3, 1.0, 1e6])
def test_white_inputs_leave_plain_rounding(level: float) -> None:
    """Where no input says anything of another, no error can be made up for, and nothing is spread."""
    weight = random(150, 7)
    hessian = np.diag(np.geomspace(1, 3, 150, dtype=np.float32)) * np.float32(level)
    assert np.array_equal(spread(weight, hessian, coarse), coarse(0, weight))


def test_inputs_that_never_vary_leave_plain_rounding() -> None:
    """A Hessian of zeros is no reason to fail."""
    weight = random(20, 3)
    assert np.array_equal(spread(weight, np.zeros((20, 20), np.float32), coarse), coarse(0, weight))


def test_a_rounder_that_rounds_nothing_leaves_the_weight() -> None:
    """Without errors there is nothing to spread."""
    weight = random(90, 4)
    assert np.array_equal(spread(weight, seen(90).covariance, lambda _, row: row.copy()), weight)


def test_rows_that_stay_free_make_up_for_the_fixed_ones_as_well_as_can_be() -> None:
    """What the last rows become is the least-squares solution, given the first."""
    weight, hessian, fixed = random(100, 6), seen(100).covariance, 70

    def drop(row: int, ideal: Float32) -> Float32:
        return np.zeros_like(ideal) if row < fixed else ideal.copy()

    found, damped = spread(weight, hessian, drop), damp(hessian).astype(np.float64)
    best = weight[fixed:] + np.linalg.solve(damped[fixed:, fixed:], damped[fixed:, :fixed] @ weight[:fixed])
    assert not found[:fixed].any()
    assert np.allclose(found[fixed:], best, atol=2e-3 * np.abs(best).max())


def test_every_row_is_rounded_once_in_order_and_kept_as_rounded() -> None:
    """The weight ends as the values that the rounder gave, row by row."""
    given: list[Float32] = []
    numbers: list[int] = []

    def rounder(row: int, ideal: Float32) -> Float32:
        numbers.append(row)
        given.append(coarse(row, ideal))
        return given[-1]

    found = spread(random(BLOCK + 20, 3), seen(BLOCK + 20).covariance, rounder)
    assert numbers == list(range(BLOCK + 20))
    assert np.array_equal(found, np.stack(given))


def test_the_first_row_is_rounded_as_it_is() -> None:
    """Errors go to later rows alone."""
    weight = random(80, 5)
    assert np.array_equal(spread(weight, seen(80).covariance, coarse)[0], coarse(0, weight[0]))


def test_a_hessian_s_size_does_not_matter() -> None:
    """Twice the tokens, alike, round to the same values."""
    weight, hessian = random(70, 5), seen(70).covariance
    assert np.array_equal(spread(weight, hessian * np.float32(4), coarse), spread(weight, hessian, coarse))
