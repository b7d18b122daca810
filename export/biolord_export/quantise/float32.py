"""The unquantised scheme: the reference, what calibration runs on, and in float16 what GPUs run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.graph.operators import EncoderOperators, FeedForwardPart, LayerOperators, stay
from biolord_export.quantise.report import Quantised
from biolord_export.weights import Linear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from biolord_export.calibrate import InputStatistics
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.graph.operators import Move
    from biolord_export.weights import EncoderWeights, Float32, Layer


@dataclass(frozen=True)
class FloatLinear:
    """``x @ weight + bias`` in the graph's own floating-point format."""

    linear: Linear

    def emit(self, graph: GraphBuilder, x: str, move: Move = stay) -> str:
        """Add the product and the bias."""
        product = graph.op("MatMul", move(x), graph.real(self.linear.weight, "weight"))
        return graph.op("Add", product, graph.real(self.linear.bias, "bias"))

    def outputs(self, chosen: slice) -> FloatLinear:
        """Return the layer that yields some of the outputs."""
        return FloatLinear(Linear(self.linear.weight[:, chosen], self.linear.bias[chosen]))


@dataclass(frozen=True)
class FloatTable:
    """A [vocabulary, dim] table in the graph's own floating-point format."""

    table: Float32

    def emit(self, graph: GraphBuilder, ids: str) -> str:
        """Add the look-up."""
        return graph.op("Gather", graph.real(self.table, "tokens"), ids, axis=0)


def float32_operators(weights: EncoderWeights) -> EncoderOperators:
    """Keep every weight as it is."""
    return EncoderOperators(FloatTable(weights.word_embeddings), tuple(_layer(layer) for layer in weights.layers))


def _layer(layer: Layer) -> LayerOperators:
    feed_forward = FeedForwardPart(FloatLinear(layer.fc1), FloatLinear(layer.fc2))
    return LayerOperators(FloatLinear(layer.qkv), FloatLinear(layer.attention_output), (feed_forward,))


def keep_float32(weights: EncoderWeights, statistics: Mapping[tuple[int, str], InputStatistics]) -> Quantised:
    """Keep every weight as it is; the statistics aren't looked at."""
    return Quantised(float32_operators(weights), ())
