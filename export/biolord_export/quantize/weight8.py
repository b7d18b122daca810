"""A weight matrix in signed 8 bits, one scale for each output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.quantize.gptq import spread_rounding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biolord_export.checkpoint.weights import Float32

LARGEST = 127


@dataclass(frozen=True, slots=True)
class Int8Weight:
    """``values * scales`` approximates a weight: int8 [inputs, outputs] and float32 [outputs]."""

    values: NDArray[np.int8]
    scales: Float32

    def dense(self) -> Float32:
        """Return the float32 [inputs, outputs] weight that is really multiplied with."""
        return self.values * self.scales


def round_weight(weight: Float32, covariance: Float32, outliers: int = 0) -> tuple[Float32, Int8Weight]:
    """Round a weight by GPTQ, inputs of large activations first.

    Args:
        weight: float32 [inputs, outputs].
        covariance: float32 [inputs, inputs] of the inputs it will meet.
        outliers: How many of the first inputs stay in float32; they are processed last and absorb the remaining error.

    Returns:
        The float32 rows of the first ``outliers`` inputs, and the rounded rows of the others.
    """
    rest = np.arange(outliers, len(weight))
    order = np.concatenate([rest[np.argsort(-np.diagonal(covariance)[outliers:], kind="stable")], np.arange(outliers)])
    scales = np.maximum(np.abs(weight[outliers:]).max(axis=0) / np.float32(LARGEST), np.finfo(np.float32).tiny)
    values = np.zeros(weight.shape, dtype=np.int8)

    def round_row(row: int, ideal: Float32) -> Float32:
        if row >= len(rest):
            return ideal.copy()
        integers = np.clip(np.rint(ideal / scales), -LARGEST, LARGEST)
        values[order[row]] = integers
        return np.asarray(integers * scales, dtype=np.float32)

    fitted = weight[order]
    spread_rounding(fitted, covariance[np.ix_(order, order)], round_row)
    return fitted[len(rest) :], Int8Weight(values[outliers:], scales)
