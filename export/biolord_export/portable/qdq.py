"""Static int8 in standard operators: QuantizeLinear and DequantizeLinear around a float matmul.

A runtime that knows the pattern multiplies integers instead; one that doesn't computes the same in float. Grids,
weights and biases are those of `quantize.static8`. Inputs are unsigned: with signed ones and every zero point 0, the
only ones that TensorRT knows, onnxruntime's CPU provider leaves half of the pattern in float and takes twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.graph.linear import emit_linear
from biolord_export.portable.matching import weight_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from biolord_export.checkpoint.weights import EncoderWeights, Float32, Layer, Linear
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.portable.replay import Operator
    from biolord_export.quantize.static8 import RowLinear, StaticEncoder, StaticLayer, StaticLinear
    from biolord_export.quantize.tables import Int8Table
    from biolord_export.quantize.weight8 import Int8Weight

END = 2**31 - 1
"""Behind the last channel, however many there are."""


@dataclass(frozen=True, slots=True)
class QdqStatic:
    """A linear layer whose input is rounded to a grid fixed at export."""

    linear: StaticLinear

    def emit(self, graph: GraphBuilder, x: str, /) -> str:
        """Add the nodes from float32 [..., inputs] to float32 [..., outputs], bias included."""
        grid = self.linear.grid
        rounded = graph.op("DequantizeLinear", *grid.emit_round(graph, grid.emit_normalize(graph, x)))
        return _add_bias(graph, _multiply(graph, rounded, self.linear.weight), self.linear.bias)


@dataclass(frozen=True, slots=True)
class QdqRow:
    """A linear layer whose input is rounded to a grid of each token's own.

    Standard operators know no such grid, but a token divided by its step lies on a fixed one, whose step is 1.
    """

    linear: RowLinear

    def emit(self, graph: GraphBuilder, x: str, /) -> str:
        """Add the nodes from float32 [..., inputs] to float32 [..., outputs], bias included."""
        grid = self.linear.grid
        highest = graph.op("ReduceMax", x, graph.ints(-1), keepdims=1)
        steps = graph.op("Mul", graph.op("Max", highest, graph.scalar(grid.floor)), graph.scalar(grid.unit))
        fixed = graph.scalar(1), graph.scalar(grid.zero_point, np.uint8)
        rounded = graph.op("DequantizeLinear", graph.op("QuantizeLinear", graph.op("Div", x, steps), *fixed), *fixed)
        product = graph.op("Mul", _multiply(graph, rounded, self.linear.weight), steps)
        return _add_bias(graph, product, self.linear.bias)


@dataclass(frozen=True, slots=True)
class Exact:
    """A linear layer in float32."""

    linear: Linear

    def emit(self, graph: GraphBuilder, x: str, /) -> str:
        """Add the nodes from float32 [..., inputs] to float32 [..., outputs], bias included."""
        return emit_linear(graph, x, self.linear)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two layers whose inputs lie side by side, so many channels of the first, and whose outputs add up."""

    width: int
    first: Operator
    second: Operator

    def emit(self, graph: GraphBuilder, x: str, /) -> str:
        """Add the nodes from float32 [..., inputs of both] to float32 [..., outputs]."""
        start, border, end = graph.ints(0), graph.ints(self.width), graph.ints(END)
        first = self.first.emit(graph, graph.op("Slice", x, start, border, graph.ints(-1)))
        second = self.second.emit(graph, graph.op("Slice", x, border, end, graph.ints(-1)))
        return graph.op("Add", first, second)


@dataclass(frozen=True, slots=True)
class FlatTable:
    """A token table that looks int64 [tokens] up, for the int64 [batch, sequence] of a traced graph."""

    table: Int8Table
    dim: int

    def emit(self, graph: GraphBuilder, ids: str, /) -> str:
        """Add the nodes to float32 [batch, sequence, dim]."""
        rows = self.table.emit(graph, graph.op("Reshape", ids, graph.ints(-1)))
        return graph.op("Reshape", rows, graph.op("Concat", graph.op("Shape", ids), graph.ints(self.dim), axis=0))


def _multiply(graph: GraphBuilder, x: str, weight: Int8Weight) -> str:
    values, scales = graph.constant(weight.values, "weight"), graph.constant(weight.scales, "scales")
    zero_points = graph.constant(np.zeros(weight.scales.shape, dtype=np.int8), "zero_points")
    return graph.op("MatMul", x, graph.op("DequantizeLinear", values, scales, zero_points, axis=1))


def _add_bias(graph: GraphBuilder, product: str, bias: Float32) -> str:
    return graph.op("Add", product, graph.constant(bias, "bias")) if np.any(bias) else product


def qdq_operators(weights: EncoderWeights, quantized: StaticEncoder) -> Iterator[tuple[bytes, Operator]]:
    """Translate the layers of `quantize.static8` for a traced graph, where q, k and v are layers of their own.

    Args:
        weights: The exact weights, which the layers are known by.
        quantized: What `quantize_static8` made of them.

    Yields:
        An operator for the token table and for each linear layer, with the digest of its exact weight.
    """
    yield weight_digest(weights.word_embeddings), FlatTable(quantized.table, weights.word_embeddings.shape[1])
    for exact, layer in zip(weights.layers, quantized.layers, strict=True):
        yield from _layer(exact, layer)


def _layer(exact: Layer, layer: StaticLayer) -> Iterator[tuple[bytes, Operator]]:
    dim = len(exact.qkv.weight)
    for start in range(0, 3 * dim, dim):
        columns = np.arange(start, start + dim)
        yield weight_digest(exact.qkv.weight[:, columns]), QdqStatic(layer.qkv.outputs(columns))
    yield weight_digest(exact.attention_output.weight), QdqStatic(layer.attention_output)
    yield weight_digest(exact.fc1.weight), QdqStatic(layer.first)
    outliers, rest = len(layer.outliers.weight), QdqRow(layer.rest)
    yield weight_digest(exact.fc2.weight), SideBySide(outliers, Exact(layer.outliers), rest) if outliers else rest
