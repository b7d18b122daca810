"""The 8-bit grids that inputs of linear layers are rounded to; none of them depends on what else is in the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import Float32
    from biolord_export.graph.builder import GraphBuilder

LEVELS = 255
GELU_LOWEST = 0.17
"""GELU never falls below -0.17."""


@dataclass(frozen=True, slots=True)
class PerTensorQuantizer:
    """Rounds ``(x - center) / smooth`` to the integers ``zero_point + value / step``, clipped to 0 … 255.

    A scale for each channel can't ride through an integer matmul, so the channels are made alike first and their
    scales multiplied into the weight's rows (SmoothQuant, Xiao et al. 2022). Centring, which costs one addition,
    halves the range of channels that lie far from zero; what it takes away comes back in the bias.

    Attributes:
        center: float32 [inputs], subtracted from each channel.
        smooth: float32 [inputs], what each channel is divided by then.
        step: The distance of neighboring values.
        zero_point: The integer that stands for 0.
        folded: Whether the layer before yields ``(x - center) / smooth`` already.
    """

    center: Float32
    smooth: Float32
    step: float
    zero_point: int
    folded: bool = False

    def normalize(self, x: Float32) -> Float32:
        """Center and smooth raw inputs, float32 [tokens, inputs]."""
        return (x - self.center) / self.smooth

    def round(self, normalized: Float32) -> Float32:
        """Return the float32 values that normalized inputs are rounded to."""
        return _round(normalized, np.float32(self.step), self.zero_point)

    def emit_normalize(self, graph: GraphBuilder, x: str) -> str:
        """Add the nodes that center and smooth, as far as they change anything."""
        if self.folded:
            return x
        if not np.all(self.smooth == 1):
            x = graph.op("Mul", x, graph.constant(1 / self.smooth, "smooth"))
        if np.any(self.center):
            x = graph.op("Add", x, graph.constant(-self.center / self.smooth, "center"))
        return x

    def emit_round(self, graph: GraphBuilder, normalized: str) -> tuple[str, str, str]:
        """Add the rounding; yields the uint8 tensor, its step and its zero point."""
        step, zero_point = graph.scalar(self.step), graph.scalar(self.zero_point, np.uint8)
        return graph.op("QuantizeLinear", normalized, step, zero_point), step, zero_point


@dataclass(frozen=True, slots=True)
class PerTokenQuantizer:
    """Rounds each token's GELU outputs to a grid that ends at the token's own largest value, so nothing is clipped.

    Which inner channels of a feed-forward network fire, and how strongly, differs so much from token to token that a
    fixed end is either too coarse for most tokens or cuts off the strongest channel of some.

    Attributes:
        floor: The grid ends no lower than here, which keeps -0.17 on it.
    """

    floor: float

    @property
    def unit(self) -> float:
        """The distance of neighboring values over the grid's end."""
        return (1 + GELU_LOWEST / self.floor) / LEVELS

    @property
    def zero_point(self) -> int:
        """The integer that stands for 0."""
        return round(GELU_LOWEST / self.floor / self.unit)

    def round(self, x: Float32) -> Float32:
        """Return the float32 values that inputs, float32 [tokens, inputs], are rounded to."""
        ends = np.maximum(x.max(axis=1, keepdims=True), np.float32(self.floor))
        return _round(x, ends * np.float32(self.unit), self.zero_point)


def _round(x: Float32, step: Float32 | np.float32, zero_point: int) -> Float32:
    integers = np.clip(np.rint(x / step) + np.float32(zero_point), 0, LEVELS)
    return np.asarray((integers - np.float32(zero_point)) * step, dtype=np.float32)
