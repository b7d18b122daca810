"""A weight in whole numbers, as the compiled operators multiply it, and its rounding to 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.kernels.layers import LARGEST_WEIGHT, IntegerLinear
from biolord_export.quantize.gptq import spread_rounding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biolord_export.checkpoint.weights import Float32
    from biolord_export.kernels.layers import Int8


@dataclass(frozen=True, slots=True)
class IntegerWeight:
    """An `IntegerLinear` that has no bias yet."""

    values: Int8
    scale: Float32
    group_scales: Int8 | None = None

    def dense(self) -> Float32:
        """Return the float32 [inputs, outputs] weight that is really multiplied with."""
        return dense(self.values, self.scale, self.group_scales)

    def biased(self, bias: Float32) -> IntegerLinear:
        """Add the bias, float32 [outputs]."""
        return IntegerLinear(self.values, self.scale, bias.astype(np.float32), self.group_scales)


def dense(values: Int8, scale: Float32, group_scales: Int8 | None) -> Float32:
    """Multiply the values with their scales: float32 [inputs, outputs]."""
    whole = values.astype(np.float32)
    if group_scales is not None:
        whole *= np.repeat(group_scales, len(values) // len(group_scales), axis=0)
    return whole * scale


def round_weight8(
    weight: Float32, covariance: Float32, widths: Sequence[int] | None = None
) -> tuple[IntegerWeight, ...]:
    """Round a weight to 8 bits by GPTQ, inputs of large activations first.

    Args:
        weight: float32 [inputs, outputs].
        covariance: float32 [inputs, inputs] of the inputs it will meet.
        widths: Of the parts of consecutive inputs it is cut into, each of which has scales of its own; None: one part.
    """
    order, widths = np.argsort(-np.diagonal(covariance), kind="stable"), widths or [len(weight)]
    ends = np.cumsum(widths)
    largest = np.maximum.reduceat(np.abs(weight), ends - np.asarray(widths), axis=0)
    scales = np.maximum(largest / np.float32(LARGEST_WEIGHT), np.finfo(np.float32).tiny)
    values = np.zeros(weight.shape, dtype=np.int8)
    part = np.repeat(np.arange(len(widths)), widths)

    def round_row(row: int, ideal: Float32) -> Float32:
        scale = scales[part[order[row]]]
        integers = np.clip(np.rint(ideal / scale), -LARGEST_WEIGHT, LARGEST_WEIGHT)
        values[order[row]] = integers
        return np.asarray(integers * scale, dtype=np.float32)

    spread_rounding(weight[order], covariance[np.ix_(order, order)], round_row)
    return tuple(map(IntegerWeight, np.split(values, ends[:-1]), scales))
