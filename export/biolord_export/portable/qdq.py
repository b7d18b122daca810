"""Static int8 in standard operators: QuantizeLinear and DequantizeLinear around a float matmul.

A runtime that knows the pattern multiplies integers instead; one that doesn't computes the same in float. Grids,
weights and biases are those of `quantise.static8`. Inputs are unsigned: with signed ones and every zero point 0, the
only ones that TensorRT knows, onnxruntime's CPU provider leaves half of the pattern in float and takes twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.portable.matching import weight_digest
from biolord_export.quantise.float32 import FloatLinear
from biolord_export.quantise.static8 import RowLinear, StaticLinear
from biolord_export.quantise.weight8 import Int8Weight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.graph.operators import (
        EncoderOperators,
        FeedForwardPart,
        LayerOperators,
        LinearOperator,
        TableOperator,
    )
    from biolord_export.portable.replay import Operator
    from biolord_export.weights import EncoderWeights, Float32, Layer


@dataclass(frozen=True)
class QdqStatic:
    """A linear layer whose input is rounded to a grid fixed at export."""

    linear: StaticLinear

    def emit(self, graph: GraphBuilder, x: str, /) -> str:
        """Add the nodes from float32 [..., inputs] to float32 [..., outputs], bias included."""
        grid = self.linear.grid
        rounded = graph.op("DequantizeLinear", *grid.emit_round(graph, grid.emit_normalise(graph, x)))
        return _add_bias(graph, _multiply(graph, rounded, self.linear.weight), self.linear.bias)


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class SideBySide:
    """Layers whose inputs lie side by side, so many channels each, and whose outputs add up."""

    widths: tuple[int, ...]
    layers: tuple[Operator, ...]

    def emit(self, graph: GraphBuilder, x: str, /) -> str:
        """Add the nodes from float32 [..., all inputs] to float32 [..., outputs]."""
        total, start = "", 0
        for width, layer in zip(self.widths, self.layers, strict=True):
            part = graph.op("Slice", x, graph.ints(start), graph.ints(start + width), graph.ints(-1))
            product = layer.emit(graph, part)
            total, start = graph.op("Add", total, product) if total else product, start + width
        return total


@dataclass(frozen=True)
class FlatTable:
    """A token table that looks int64 [tokens] up, for the int64 [batch, sequence] of a traced graph."""

    table: TableOperator
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


def qdq_operators(weights: EncoderWeights, operators: EncoderOperators) -> Iterator[tuple[bytes, Operator]]:
    """Translate the operators of `quantise.static8` for a traced graph, where q, k and v are layers of their own.

    Args:
        weights: The exact weights, which the layers are known by.
        operators: What `quantise_static8` made of them.

    Yields:
        An operator for the token table and for each linear layer, with the digest of its exact weight.
    """
    yield weight_digest(weights.word_embeddings), FlatTable(operators.table, weights.dim)
    for layer, quantised in zip(weights.layers, operators.layers, strict=True):
        yield from _layer(layer, quantised)


def _layer(layer: Layer, quantised: LayerOperators) -> Iterator[tuple[bytes, Operator]]:
    dim = len(layer.qkv.weight)
    qkv = _static(quantised.qkv)
    for start in range(0, 3 * dim, dim):
        columns = np.arange(start, start + dim)
        yield weight_digest(layer.qkv.weight[:, columns]), QdqStatic(qkv.outputs(columns))
    yield weight_digest(layer.attention_output.weight), translate(quantised.attention_output)
    yield weight_digest(layer.fc1.weight), QdqStatic(_join([_static(part.first) for part in quantised.feed_forward]))
    yield weight_digest(layer.fc2.weight), _seconds(quantised.feed_forward)


def translate(linear: LinearOperator) -> Operator:
    """Translate one layer of `quantise.static8`; raises TypeError for any other."""
    match linear:
        case StaticLinear():
            return QdqStatic(linear)
        case RowLinear():
            return QdqRow(linear)
        case FloatLinear():
            return linear
        case _:
            raise TypeError(f"{type(linear).__name__} is no layer of static8")


def _static(linear: LinearOperator) -> StaticLinear:
    if not isinstance(linear, StaticLinear):
        raise TypeError(f"{type(linear).__name__} is no layer of static8 with a fixed grid")
    return linear


def _join(parts: list[StaticLinear]) -> StaticLinear:
    """Put the outputs of layers side by side, which share their input and its grid."""
    values = np.concatenate([part.weight.values for part in parts], axis=1)
    scales = np.concatenate([part.weight.scales for part in parts])
    return StaticLinear(parts[0].grid, Int8Weight(values, scales), np.concatenate([part.bias for part in parts]))


def _seconds(parts: tuple[FeedForwardPart, ...]) -> Operator:
    """Take the second halves of a feed-forward network's parts, whose inputs lie as `_join` puts them."""
    layers = tuple(translate(part.second) for part in parts)
    if len(layers) == 1:
        return layers[0]
    return SideBySide(tuple(len(_static(part.first).bias) for part in parts), layers)
