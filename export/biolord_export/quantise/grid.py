"""The 8-bit grid that a linear layer's input is rounded to, fixed at export and hence the same for every batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.weights import Float32

LEVELS = 255


@dataclass(frozen=True)
class ActivationGrid:
    """Rounds ``(x - center) / smooth`` to the integers ``zero_point + value / step``, clipped to 0 … 255.

    A scale for each channel can't ride through an integer matmul, so the channels are made alike first and their
    scales multiplied into the weight's rows (SmoothQuant, Xiao et al. 2022). Centring, which costs one addition,
    halves the range of channels that lie far from zero; what it takes away comes back in the bias.

    Attributes:
        center: float32 [inputs], subtracted from each channel.
        smooth: float32 [inputs], what each channel is divided by then.
        step: The distance of neighbouring values.
        zero_point: The integer that stands for 0.
        wide: How many of the first channels stay in float32 beside the grid, because their range would coarsen it
            for all.
        folded: Whether the layer before yields ``(x - center) / smooth`` already.
    """

    center: Float32
    smooth: Float32
    step: float
    zero_point: int
    wide: int = 0
    folded: bool = False

    def normalise(self, x: Float32) -> Float32:
        """Centre and smooth raw inputs, float32 [tokens, inputs]."""
        return (x - self.center) / self.smooth

    def round(self, normalised: Float32) -> Float32:
        """Return the float32 values that normalised inputs are rounded to; wide channels stay as they are."""
        step = np.float32(self.step)
        integers = np.clip(np.rint(normalised / step) + np.float32(self.zero_point), 0, LEVELS)
        rounded = (integers - np.float32(self.zero_point)) * step
        rounded[:, : self.wide] = normalised[:, : self.wide]
        return rounded

    def emit_normalise(self, graph: GraphBuilder, x: str) -> str:
        """Add the nodes that centre and smooth, as far as they change anything."""
        if self.folded:
            return x
        if not np.all(self.smooth == 1):
            x = graph.op("Mul", x, graph.constant(1 / self.smooth, "smooth"))
        if np.any(self.center):
            x = graph.op("Add", x, graph.constant(-self.center / self.smooth, "center"))
        return x

    def emit_round(self, graph: GraphBuilder, normalised: str) -> tuple[str, str, str]:
        """Add the rounding; yields the uint8 tensor, its step and its zero point."""
        step, zero_point = graph.scalar(self.step), graph.scalar(self.zero_point, np.uint8)
        return graph.op("QuantizeLinear", normalised, step, zero_point), step, zero_point
