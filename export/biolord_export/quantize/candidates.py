"""Which grids are worth trying for a linear layer's input, and which of them loses least."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.quantize.grid import LEVELS, PerTensorQuantizer, PerTokenQuantizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biolord_export.calibration.collect import InputStatistics
    from biolord_export.checkpoint.weights import Float32

STRENGTHS = (0.65, 0.8, 0.9, 1.0)
"""How much of a channel's range smoothing moves into the weights (SmoothQuant's alpha)."""
MARGINS = (0.8, 1.0, 1.15)
"""The grid's end, as a share of the largest value seen: below 1 rare values are clipped for finer steps."""
FLOORS = (1.0, 2.0)
"""The lowest end of a token's own grid."""
OUTLIER_COUNTS = (0, 16, 32)
"""How many channels of a GELU's output may stay in float32: multiples of 16, the width of a tile in which kernels
multiply, so that neither side of the split leaves one part full where the model's own width doesn't."""
WORTH = 1.1
"""A dearer layout must lose at least this many times less."""
WORTH_WIDENING = 4
"""A grid is widened for degenerate inputs where that divides their error's power by more than this: coarser steps cost
every other text something."""
SMALLEST = 1e-6
WEIGHT_ROUNDING_SHARE = 0.5
"""GPTQ leaves about half of the error that plain rounding of the weights makes; the choice counts with that."""
MEASURED_TOKENS = 800


@dataclass(frozen=True, slots=True)
class StaticChoice:
    """A grid for inputs on both sides of zero, the smoothing strength it uses and where its end lies."""

    grid: PerTensorQuantizer
    strength: float
    margin: float


@dataclass(frozen=True, slots=True)
class InnerChoice:
    """How a GELU's outputs are rounded.

    Attributes:
        order: int64 [channels], widest first.
        outliers: How many of them, the first, stay in float32.
        grid: What the others are rounded to.
    """

    order: NDArray[np.int64]
    outliers: int
    grid: PerTokenQuantizer


def choose_static(statistics: InputStatistics, weight: Float32) -> StaticChoice:
    """Choose a grid for inputs that lie on both sides of zero, such as a layer normalization's output.

    Args:
        statistics: Of the inputs.
        weight: float32 [inputs, outputs] they are multiplied with.
    """
    ordinary, degenerate = _choose_for_range(statistics, weight), statistics.degenerate
    lowest = np.minimum(statistics.lowest, degenerate.min(axis=0, initial=np.inf))
    highest = np.maximum(statistics.highest, degenerate.max(axis=0, initial=-np.inf))
    if np.array_equal(lowest, statistics.lowest) and np.array_equal(highest, statistics.highest):
        return ordinary
    widened = _choose_for_range(replace(statistics, lowest=lowest, highest=highest), weight)
    losses = [_rounding_loss(choice.grid, degenerate, weight) for choice in (ordinary, widened)]
    return widened if losses[0] > WORTH_WIDENING * losses[1] else ordinary


def _choose_for_range(statistics: InputStatistics, weight: Float32) -> StaticChoice:
    center = np.asarray((statistics.highest + statistics.lowest) / 2, dtype=np.float32)
    reach = np.maximum((statistics.highest - statistics.lowest) / 2, SMALLEST)
    strongest = np.maximum(np.abs(weight).max(axis=1), SMALLEST)
    held_out = _sample(statistics.held_out)

    def candidate(strength: float, margin: float) -> StaticChoice:
        smooth = reach**strength / strongest ** (1 - strength)
        smooth /= np.exp(np.log(smooth).mean())
        step = 2 * float((reach / smooth).max()) * margin / LEVELS
        return StaticChoice(PerTensorQuantizer(center, smooth, step, (LEVELS + 1) // 2), strength, margin)

    choices = [candidate(strength, margin) for strength, margin in product(STRENGTHS, MARGINS)]
    return min(choices, key=lambda choice: _static_loss(choice.grid, held_out, weight))


def choose_inner(statistics: InputStatistics, weight: Float32, importance: Float32 | float = 1.0) -> InnerChoice:
    """Choose how a feed-forward network's inner channels are rounded.

    A few fixed channels of a GELU's output carry values many times those of the rest (Dettmers et al. 2022); they can
    stay in float32 where that pays.

    Args:
        statistics: Of the inner channels.
        weight: float32 [channels, outputs] they are multiplied with.
        importance: float32 [outputs], how much an error at each output matters.
    """
    order = np.argsort(-statistics.highest, kind="stable")
    inputs = _sample(statistics.held_out)[:, order]
    rows = (weight * importance)[order]

    def loss(choice: InnerChoice) -> float:
        rest = inputs[:, choice.outliers :]
        return _risk((choice.grid.round(rest) - rest) @ rows[choice.outliers :])

    best, least = InnerChoice(order, 0, PerTokenQuantizer(FLOORS[0])), np.inf
    for outliers in OUTLIER_COUNTS:
        if outliers < len(order):
            choices = [InnerChoice(order, outliers, PerTokenQuantizer(floor)) for floor in FLOORS]
            losses = [loss(choice) for choice in choices]
            if min(losses) * WORTH < least:
                best, least = choices[int(np.argmin(losses))], min(losses)
    return best


def _static_loss(grid: PerTensorQuantizer, held_out: Float32, weight: Float32) -> float:
    """Measure the output's error from rounding the input, and estimate that from rounding the weight."""
    normalized = grid.normalize(held_out)
    steps = np.abs(weight * grid.smooth[:, np.newaxis]).max(axis=0) / 127
    from_weight = np.square(normalized).sum(axis=1).mean() * np.square(steps).sum() / 12
    return _rounding_loss(grid, held_out, weight) + WEIGHT_ROUNDING_SHARE * float(from_weight)


def _rounding_loss(grid: PerTensorQuantizer, inputs: Float32, weight: Float32) -> float:
    """Measure the output's error from rounding the input."""
    normalized = grid.normalize(inputs)
    return _risk((grid.round(normalized) - normalized) @ (weight * grid.smooth[:, np.newaxis]))


def _risk(errors: Float32) -> float:
    """Add the spread of the errors' power over tokens, for the rare bad one, to its mean; float32 [tokens, outputs]."""
    power = np.square(errors).sum(axis=1)
    return float(power.mean() + power.std())


def _sample(rows: Float32) -> Float32:
    return rows[:: max(1, len(rows) // MEASURED_TOKENS)]
