"""Static 8 bits: the default scheme for CPUs with integer dot products.

Every scale is fixed at export or belongs to one token, so a vector never depends on what else is in its batch. Inputs
of the linear layers are centred, smoothed and rounded to 8 bits (``quantise.grid``), weights are rounded by GPTQ, and
what rounding shifts on average goes back through the bias. The attention output is centred and smoothed free of
charge: attention weights add up to 1, so the value projection can yield the centred, smoothed values. GELU outputs
are rounded on a grid that ends at each token's own largest value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.graph.builder import MICROSOFT
from biolord_export.graph.operators import EncoderOperators, FeedForwardPart, LayerOperators, stay
from biolord_export.progress import track
from biolord_export.quantise.candidates import choose_inner, choose_static
from biolord_export.quantise.float32 import FloatLinear
from biolord_export.quantise.report import LinearReport, Quantised, measure_error
from biolord_export.quantise.tables import round_table
from biolord_export.quantise.weight8 import Int8Weight, round_weight
from biolord_export.weights import Linear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from biolord_export.calibrate import InputStatistics
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.graph.operators import Move
    from biolord_export.quantise.candidates import InnerChoice, StaticChoice
    from biolord_export.quantise.grid import RowGrid, StaticGrid
    from biolord_export.weights import EncoderWeights, Float32, Layer


@dataclass(frozen=True)
class StaticLinear:
    """A linear layer whose input is rounded to a grid fixed at export and whose weight is int8."""

    grid: StaticGrid
    weight: Int8Weight
    bias: Float32

    def emit(self, graph: GraphBuilder, x: str, move: Move = stay) -> str:
        """Add the rounding and the integer product, bias included."""
        rounded, step, zero_point = self.grid.emit_round(graph, self.grid.emit_normalise(graph, x))
        values, scales = graph.constant(self.weight.values, "weight"), graph.constant(self.weight.scales, "scales")
        inputs = (move(rounded), values, step, scales, zero_point, "", graph.constant(self.bias, "bias"))
        return graph.op("MatMulIntegerToFloat", *inputs, domain=MICROSOFT)

    def apply(self, x: Float32) -> Float32:
        """Compute in numpy what the layer makes of raw inputs, float32 [tokens, inputs] to [tokens, outputs]."""
        return self.grid.round(self.grid.normalise(x)) @ self.weight.dense() + self.bias

    def outputs(self, chosen: NDArray[np.int64] | slice) -> StaticLinear:
        """Return the layer that yields some of the outputs, in that order."""
        values = np.ascontiguousarray(self.weight.values[:, chosen])
        return StaticLinear(self.grid, Int8Weight(values, self.weight.scales[chosen]), self.bias[chosen])


@dataclass(frozen=True)
class RowLinear:
    """A linear layer whose input is rounded to a grid of each token's own and whose weight is int8."""

    grid: RowGrid
    weight: Int8Weight
    bias: Float32

    def emit(self, graph: GraphBuilder, x: str) -> str:
        """Add the rounding, the integer product, the tokens' steps and, unless it is 0, the bias."""
        steps = self.grid.emit_steps(graph, x)
        rounded, zero_point = self.grid.emit_round(graph, x, steps)
        values, scales = graph.constant(self.weight.values, "weight"), graph.constant(self.weight.scales, "scales")
        product = graph.op(
            "MatMulIntegerToFloat", rounded, values, graph.scalar(1), scales, zero_point, domain=MICROSOFT
        )
        scaled = graph.op("Mul", product, steps)
        return graph.op("Add", scaled, graph.constant(self.bias, "bias")) if np.any(self.bias) else scaled

    def apply(self, x: Float32) -> Float32:
        """Compute in numpy what the emitted nodes do, float32 [tokens, inputs] to [tokens, outputs]."""
        return self.grid.round(x) @ self.weight.dense() + self.bias


def quantise_static8(weights: EncoderWeights, statistics: Mapping[tuple[int, str], InputStatistics]) -> Quantised:
    """Quantise an encoder with the statistics of its linear layers' inputs."""
    layers: list[LayerOperators] = []
    reports: list[LinearReport] = []
    for number in track(range(len(weights.layers)), "quantising"):
        layer = weights.layers[number]
        attention = _quantise_attention(layer, number, statistics)
        feed_forward = _quantise_feed_forward(layer, number, statistics)
        layers.append(LayerOperators(attention.qkv, attention.output, feed_forward.parts))
        reports.extend((*attention.reports, *feed_forward.reports))
    return Quantised(EncoderOperators(round_table(weights.word_embeddings), tuple(layers)), tuple(reports))


@dataclass(frozen=True)
class _Attention:
    qkv: StaticLinear
    output: StaticLinear
    reports: tuple[LinearReport, ...]


@dataclass(frozen=True)
class _FeedForward:
    parts: tuple[FeedForwardPart, ...]
    reports: tuple[LinearReport, ...]


def _quantise_attention(layer: Layer, number: int, statistics: Mapping[tuple[int, str], InputStatistics]) -> _Attention:
    mixed_seen, seen = statistics[number, "attention_output"], statistics[number, "qkv"]
    mixed = choose_static(mixed_seen, layer.attention_output.weight)
    folded = fold_values(layer.qkv, mixed.grid)
    choice = choose_static(seen, folded.weight)
    qkv = quantise_linear(folded, choice.grid, seen)
    output = quantise_linear(layer.attention_output, mixed.grid, mixed_seen)
    reports = (
        _report(number, "qkv", choice, measure_error(qkv.apply, folded, seen)),
        _report(number, "attention_output", mixed, measure_error(output.apply, layer.attention_output, mixed_seen)),
    )
    return _Attention(qkv, replace(output, grid=replace(mixed.grid, folded=True)), reports)


def fold_values(qkv: Linear, grid: StaticGrid) -> Linear:
    """Let the value projection yield centred and smoothed values."""
    dim = len(grid.smooth)
    weight, bias = qkv.weight.copy(), qkv.bias.copy()
    weight[:, -dim:] /= grid.smooth
    bias[-dim:] = (bias[-dim:] - grid.center) / grid.smooth
    return Linear(weight, bias)


def quantise_linear(linear: Linear, grid: StaticGrid, seen: InputStatistics) -> StaticLinear:
    """Round a linear layer's weight for inputs on one grid."""
    scaled = linear.weight * grid.smooth[:, np.newaxis]
    _, weight = round_weight(scaled, seen.covariance / np.outer(grid.smooth, grid.smooth))
    shift = grid.normalise(seen.mean) @ (scaled - weight.dense())
    return StaticLinear(grid, weight, linear.bias + grid.center @ linear.weight + shift)


def _quantise_feed_forward(
    layer: Layer, number: int, statistics: Mapping[tuple[int, str], InputStatistics]
) -> _FeedForward:
    middle_seen, inner_seen = statistics[number, "fc1"], statistics[number, "fc2"]
    middle = choose_static(middle_seen, layer.fc1.weight)
    first = quantise_linear(layer.fc1, middle.grid, middle_seen)
    inner = choose_inner(inner_seen, layer.fc2.weight, layer.output_norm.weight)
    wide, rest = quantise_inner(layer.fc2, inner, inner_seen)

    def apply(x: Float32) -> Float32:
        ordered = x[:, inner.order]
        kept = ordered[:, : inner.wide] @ wide.linear.weight + wide.linear.bias
        return kept + rest.apply(ordered[:, inner.wide :])

    error = measure_error(apply, layer.fc2, inner_seen)
    reports = (
        _report(number, "fc1", middle, measure_error(first.apply, layer.fc1, middle_seen)),
        LinearReport(number, "fc2", error, strength=0.0, end=inner.grid.floor, wide=inner.wide),
    )
    parts = (
        FeedForwardPart(first.outputs(inner.order[: inner.wide]), wide),
        FeedForwardPart(first.outputs(inner.order[inner.wide :]), rest),
    )
    return _FeedForward(parts if inner.wide else parts[1:], reports)


def quantise_inner(fc2: Linear, choice: InnerChoice, seen: InputStatistics) -> tuple[FloatLinear, RowLinear]:
    """Round a feed-forward network's second weight: for its wide channels, with the bias, and for the rest."""
    order, wide = choice.order, choice.wide
    exact = fc2.weight[order]
    kept, weight = round_weight(exact, seen.covariance[np.ix_(order, order)], wide)
    shift = seen.mean[order] @ (exact - np.concatenate([kept, weight.dense()]))
    bias, none = fc2.bias + shift, np.zeros_like(fc2.bias)
    return FloatLinear(Linear(kept, bias if wide else none)), RowLinear(choice.grid, weight, none if wide else bias)


def _report(number: int, name: str, choice: StaticChoice, error: float) -> LinearReport:
    return LinearReport(number, name, error, choice.strength, choice.margin, wide=0)
