"""Which grids are worth trying for a linear layer's input, and which of them loses least."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.quantise.grid import LEVELS, ActivationGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biolord_export.calibrate import InputStatistics
    from biolord_export.weights import Float32

STRENGTHS = (0.65, 0.8, 0.9, 1.0)
"""How much of a channel's range smoothing moves into the weights (SmoothQuant's alpha)."""
CENTERED_MARGINS = (0.8, 1.0, 1.15)
"""The grid's end, as a share of the largest value seen: below 1 rare values are clipped for finer steps."""
ONE_SIDED_MARGINS = (0.65, 0.8, 1.0)
WIDE_COUNTS = (0, 8, 32)
"""How many channels of a GELU's output may leave the grid."""
WIDEST_PARTS = (0, 512)
"""How many of its channels may get a grid of their own, the widest ones; 0 for a single grid."""
GELU_LOWEST = 0.17
"""GELU never falls below -0.17."""
SMALLEST = 1e-6
WORTH = 1.1
"""A dearer layout must lose at least this many times less."""
WEIGHT_ROUNDING_SHARE = 0.5
"""GPTQ leaves about half of the error that plain rounding of the weights makes; the choice counts with that."""
MEASURED_TOKENS = 800


@dataclass(frozen=True)
class CenteredChoice:
    """A grid for inputs on both sides of zero, the smoothing strength it uses and where its end lies."""

    grid: ActivationGrid
    strength: float
    margin: float


@dataclass(frozen=True)
class InnerPart:
    """Some channels of a GELU's output, int64 [any], widest first, and their grid."""

    channels: NDArray[np.int64]
    grid: ActivationGrid
    margin: float


def choose_centered(statistics: InputStatistics, weight: Float32) -> CenteredChoice:
    """Choose a grid for inputs that lie on both sides of zero, such as a layer normalisation's output.

    Args:
        statistics: Of the inputs.
        weight: float32 [inputs, outputs] they are multiplied with.
    """
    center = (statistics.highest + statistics.lowest) / 2
    reach = np.maximum((statistics.highest - statistics.lowest) / 2, SMALLEST)
    strongest = np.maximum(np.abs(weight).max(axis=1), SMALLEST)
    held_back = _sample(statistics.held_back)

    def candidate(strength: float, margin: float) -> CenteredChoice:
        smooth = reach**strength / strongest ** (1 - strength)
        smooth /= np.exp(np.log(smooth).mean())
        step = 2 * float((reach / smooth).max()) * margin / LEVELS
        return CenteredChoice(ActivationGrid(center, smooth, step, (LEVELS + 1) // 2), strength, margin)

    choices = [candidate(strength, margin) for strength, margin in product(STRENGTHS, CENTERED_MARGINS)]
    return min(choices, key=lambda choice: _loss_with_weights(choice.grid, held_back, weight))


def choose_inner(
    statistics: InputStatistics, weight: Float32, importance: Float32 | float = 1.0
) -> tuple[InnerPart, ...]:
    """Choose the layout of a feed-forward network's inner channels.

    A few fixed channels of a GELU's output carry values many times those of the rest (Dettmers et al. 2022). Sorted by
    range, the widest can stay in float32, and the next can have a grid of their own; both only where that pays.

    Args:
        statistics: Of the inner channels.
        weight: float32 [channels, outputs] they are multiplied with.
        importance: float32 [outputs], how much an error at each output matters.

    Returns:
        One part, or two: the widest channels and the rest.
    """
    order = np.argsort(-statistics.highest, kind="stable")
    held_back = _sample(statistics.held_back)
    best: tuple[InnerPart, ...] = ()
    least = np.inf
    for widest, wide in product(WIDEST_PARTS, WIDE_COUNTS):
        if max(widest, wide) >= len(order):
            continue
        groups = [order[:widest], order[widest:]] if widest else [order]
        found = [
            _fit_part(statistics, held_back, weight * importance, group, 0 if number else wide)
            for number, group in enumerate(groups)
        ]
        loss = sum(loss for _, loss in found)
        if not best or loss * WORTH < least:
            best, least = tuple(part for part, _ in found), loss
    return best


def _fit_part(
    statistics: InputStatistics, held_back: Float32, weight: Float32, channels: NDArray[np.int64], wide: int
) -> tuple[InnerPart, float]:
    inputs, rows = held_back[:, channels], weight[channels]
    reach = max(float(statistics.highest[channels[wide]]), SMALLEST)
    zeros, ones = np.zeros(len(channels), np.float32), np.ones(len(channels), np.float32)

    def candidate(margin: float) -> InnerPart:
        step = (reach * margin + GELU_LOWEST) / LEVELS
        return InnerPart(channels, ActivationGrid(zeros, ones, step, round(GELU_LOWEST / step), wide), margin)

    def loss(part: InnerPart) -> float:
        return float(np.square((part.grid.round(inputs) - inputs) @ rows).sum())

    parts = [candidate(margin) for margin in ONE_SIDED_MARGINS]
    losses = [loss(part) for part in parts]
    best = int(np.argmin(losses))
    return parts[best], losses[best]


def _loss_with_weights(grid: ActivationGrid, held_back: Float32, weight: Float32) -> float:
    """Measure the output's error power from rounding the input, and estimate that from rounding the weight."""
    normalised = grid.normalise(held_back)
    scaled = weight * grid.smooth[:, np.newaxis]
    rounded = grid.round(normalised)
    steps = np.abs(scaled).max(axis=0) / 127 + np.float32(SMALLEST)
    from_input = np.square((rounded - normalised) @ scaled).sum()
    from_weight = np.square(rounded @ (np.rint(scaled / steps) * steps - scaled)).sum()
    return float(from_input + WEIGHT_ROUNDING_SHARE * from_weight)


def _sample(rows: Float32) -> Float32:
    return rows[:: max(1, len(rows) // MEASURED_TOKENS)]
