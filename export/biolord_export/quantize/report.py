"""What quantizing did to each linear layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from biolord_export.calibration.collect import InputStatistics
    from biolord_export.checkpoint.weights import Float32, Linear
    from biolord_export.kernels.layers import IntegerEncoder


@dataclass(frozen=True, slots=True)
class LinearReport:
    """One linear layer's choices, and what they cost on texts that took no part in fitting.

    Attributes:
        layer: The transformer layer's number.
        name: Which of its linear layers.
        error: Error power over signal power of its output.
        strength: How much of the input's ranges smoothing moved into the weights, 0 to 1.
    """

    layer: int
    name: str
    error: float
    strength: float


@dataclass(frozen=True, slots=True)
class StaticReport(LinearReport):
    """The choices of a scheme whose grids have an end.

    Attributes:
        end: Where the input's grid ends, over the largest value seen; for grids of each token's own, their lowest end.
        outliers: How many input channels stay in float32.
    """

    end: float
    outliers: int


@dataclass(frozen=True, slots=True)
class Quantized:
    """An encoder in whole numbers, with the report of each linear layer."""

    encoder: IntegerEncoder
    reports: tuple[LinearReport, ...]


def measure_error(apply: Callable[[Float32], Float32], linear: Linear, seen: InputStatistics) -> float:
    """Compare a quantized layer with the exact one on held-out inputs: error power over signal power."""
    exact = seen.held_out @ linear.weight + linear.bias
    signal = float(np.square(exact - exact.mean(axis=0)).sum())
    return float(np.square(apply(seen.held_out) - exact).sum()) / max(signal, float(np.finfo(np.float32).tiny))
