"""A weight matrix in signed 8 bits, one scale for each output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.quantise.gptq import spread_rounding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from biolord_export.weights import Float32

LARGEST = 127


@dataclass(frozen=True)
class Int8Weight:
    """``values * scales`` approximates a weight: int8 [inputs, outputs] and float32 [outputs].

    ``wide`` holds the float32 rows of the first inputs, which stay in float32; their int8 rows are 0.
    """

    values: NDArray[np.int8]
    scales: Float32
    wide: Float32

    def dense(self) -> Float32:
        """Return the float32 [inputs, outputs] weight that is really multiplied with."""
        weight = self.values * self.scales
        weight[: len(self.wide)] = self.wide
        return weight


@dataclass(frozen=True)
class WeightPart:
    """Inputs that share a matmul, int64 [any]; the first ``wide`` of them stay in float32."""

    inputs: NDArray[np.int64]
    wide: int = 0


def round_weight(weight: Float32, covariance: Float32, parts: Sequence[WeightPart]) -> tuple[Int8Weight, ...]:
    """Round a weight by GPTQ, inputs of large activations first; wide ones come last and soak up what's left over.

    Args:
        weight: float32 [inputs, outputs].
        covariance: float32 [inputs, inputs] of the inputs it will meet.
        parts: Every input once; each part gets scales of its own.

    Returns:
        The rounded weight of each part, inputs in the part's order.
    """
    owner = np.empty(len(weight), dtype=np.int64)
    energy = np.diagonal(covariance).astype(np.float64)
    for number, part in enumerate(parts):
        owner[part.inputs] = number
        energy[part.inputs[: part.wide]] = np.inf
    order = np.argsort(-energy, kind="stable")
    scales = np.stack([_scales(weight[part.inputs[part.wide :]]) for part in parts])
    values = np.zeros(weight.shape, dtype=np.int8)

    def round_row(row: int, ideal: Float32) -> Float32:
        place = order[row]
        if np.isinf(energy[place]):
            return ideal.copy()
        integers = np.clip(np.rint(ideal / scales[owner[place]]), -LARGEST, LARGEST)
        values[place] = integers
        return np.asarray(integers * scales[owner[place]], dtype=np.float32)

    exact = weight[order]
    spread_rounding(exact, covariance[np.ix_(order, order)], round_row)
    exact[order] = exact.copy()
    return tuple(
        Int8Weight(values[part.inputs], scales[number], exact[part.inputs[: part.wide]])
        for number, part in enumerate(parts)
    )


def _scales(weight: Float32) -> Float32:
    return np.maximum(np.abs(weight).max(axis=0) / np.float32(LARGEST), np.finfo(np.float32).tiny)
