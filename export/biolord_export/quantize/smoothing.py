"""Make the channels of an input alike before a token's activations are rounded together.

A scale for each channel can't ride through an integer product, so channels are made alike first and their scales
multiplied into the weight's rows (SmoothQuant, Xiao et al. 2022). Centering halves the range of channels that lie far
from zero; what it takes away comes back in the bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.checkpoint.weights import Linear
from biolord_export.quantize.token_grid import round_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biolord_export.calibration.collect import InputStatistics
    from biolord_export.checkpoint.weights import Float32

SMALLEST = 1e-6
WEIGHT_ROUNDING_SHARE = 0.5
"""GPTQ leaves about half of the error that plain rounding of the weights makes; the choice counts with that."""
MEASURED_TOKENS = 800


@dataclass(frozen=True, slots=True)
class Smoothing:
    """What is multiplied is ``(x - center) / factor``.

    Attributes:
        center: float32 [inputs].
        factor: float32 [inputs], positive.
        strength: How much of the channels' ranges moves into the weights, 0 to 1 (SmoothQuant's alpha).
    """

    center: Float32
    factor: Float32
    strength: float

    def apply(self, x: Float32) -> Float32:
        """Center and smooth raw inputs, float32 [tokens, inputs]."""
        return (x - self.center) / self.factor

    def rows(self) -> Float32:
        """Return gain and shift as the operators take them, float32 [2, inputs]."""
        return np.stack([1 / self.factor, -self.center / self.factor]).astype(np.float32)

    def scale(self, weight: Float32) -> Float32:
        """Return the weight that smoothed inputs are multiplied with, float32 [inputs, outputs]."""
        return weight * self.factor[:, np.newaxis]

    def fold(self, linear: Linear) -> Linear:
        """Let a linear layer yield centered and smoothed outputs, those that come last if it has more."""
        inputs = len(self.factor)
        weight, bias = linear.weight.copy(), linear.bias.copy()
        weight[:, -inputs:] /= self.factor
        bias[-inputs:] = (bias[-inputs:] - self.center) / self.factor
        return Linear(weight, bias)


def smooth(seen: InputStatistics, weight: Float32, strength: float, *, centered: bool = True) -> Smoothing:
    """Smooth inputs for a weight, float32 [inputs, outputs]; inputs that are products can't be centered."""
    center = np.asarray((seen.highest + seen.lowest) / 2 * centered, dtype=np.float32)
    spread = (seen.highest - seen.lowest) / 2 if centered else np.maximum(seen.highest, -seen.lowest)
    reach = np.maximum(spread, SMALLEST)
    strongest = np.maximum(np.abs(weight).max(axis=1), SMALLEST)
    factor = reach**strength / strongest ** (1 - strength)
    factor /= np.exp(np.log(factor).mean())
    return Smoothing(center, factor.astype(np.float32), strength)


def choose_smoothing(
    seen: InputStatistics, weight: Float32, strengths: Sequence[float], *, centered: bool = True
) -> Smoothing:
    """Choose the strength that loses least on inputs that were held back."""
    inputs = np.concatenate([seen.held_out[:: max(1, len(seen.held_out) // MEASURED_TOKENS)], seen.degenerate])
    choices = [smooth(seen, weight, strength, centered=centered) for strength in strengths]
    return min(choices, key=lambda choice: _loss(choice, inputs, weight)) if len(choices) > 1 else choices[0]


def _loss(smoothing: Smoothing, inputs: Float32, weight: Float32) -> float:
    """Measure the output's error from rounding the input, and estimate that from rounding the weight."""
    smoothed, scaled = smoothing.apply(inputs), smoothing.scale(weight)
    power = np.square((round_tokens(smoothed) - smoothed) @ scaled).sum(axis=1)
    steps = np.abs(scaled).max(axis=0) / 127
    from_weight = np.square(smoothed).sum(axis=1).mean() * np.square(steps).sum() / 12
    # The spread over tokens counts for the rare bad one.
    return float(power.mean() + power.std() + WEIGHT_ROUNDING_SHARE * from_weight)
