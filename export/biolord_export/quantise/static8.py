"""Static 8 bits: the default scheme for CPUs with integer dot products.

Every scale is fixed at export, so a vector never depends on what else is in its batch. Inputs of the linear layers are
centred, smoothed and rounded to 8 bits (``quantise.grid``), weights are rounded by GPTQ, and what rounding shifts on
average goes back through the bias. The attention output is centred and smoothed free of charge: attention weights
add up to 1, so the value projection can yield the centred, smoothed values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.graph.builder import MICROSOFT
from biolord_export.graph.operators import EncoderOperators, FeedForwardPart, LayerOperators
from biolord_export.progress import track
from biolord_export.quantise.candidates import choose_centered, choose_inner
from biolord_export.quantise.report import LinearReport, Quantised, measure_error
from biolord_export.quantise.tables import round_table
from biolord_export.quantise.weight8 import WeightPart, round_weight
from biolord_export.weights import Linear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from biolord_export.calibrate import InputStatistics
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.quantise.candidates import CenteredChoice, InnerPart
    from biolord_export.quantise.grid import ActivationGrid
    from biolord_export.quantise.weight8 import Int8Weight
    from biolord_export.weights import EncoderWeights, Float32, Layer


@dataclass(frozen=True)
class StaticLinear:
    """A linear layer whose input is rounded to ``grid`` and whose weight is int8."""

    grid: ActivationGrid
    weight: Int8Weight
    bias: Float32

    def emit(self, graph: GraphBuilder, x: str) -> str:
        """Add the rounding, the integer product and the float32 product of the wide channels."""
        normalised = self.grid.emit_normalise(graph, x)
        rounded, step, zero_point = self.grid.emit_round(graph, normalised)
        values, scales = (
            graph.constant(self.weight.values, "weight"),
            graph.constant(self.weight.scales, "scales"),
        )
        inputs = (rounded, values, step, scales, zero_point, "", graph.constant(self.bias, "bias"))
        product = graph.op("MatMulIntegerToFloat", *inputs, domain=MICROSOFT)
        if not self.grid.wide:
            return product
        wide = graph.op("Slice", normalised, graph.ints(0), graph.ints(self.grid.wide), graph.ints(1))
        return graph.op("Gemm", wide, graph.constant(self.weight.wide, "weight/wide"), product)

    def apply(self, x: Float32) -> Float32:
        """Compute in numpy what the emitted nodes do, float32 [tokens, inputs] to [tokens, outputs]."""
        return self.grid.round(self.grid.normalise(x)) @ self.weight.dense() + self.bias


def quantise_static8(weights: EncoderWeights, statistics: Mapping[tuple[int, str], InputStatistics]) -> Quantised:
    """Quantise an encoder with the statistics of its linear layers' inputs."""
    layers, reports = [], []
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
    mixed = choose_centered(mixed_seen, layer.attention_output.weight)
    folded = fold_values(layer.qkv, mixed.grid)
    choice = choose_centered(seen, folded.weight)
    qkv = quantise_linear(folded, choice.grid, seen)
    output = quantise_linear(layer.attention_output, mixed.grid, mixed_seen)
    reports = (
        _report(number, "qkv", choice, measure_error(qkv.apply, folded, seen)),
        _report(number, "attention_output", mixed, measure_error(output.apply, layer.attention_output, mixed_seen)),
    )
    return _Attention(qkv, replace(output, grid=replace(mixed.grid, folded=True)), reports)


def fold_values(qkv: Linear, grid: ActivationGrid) -> Linear:
    """Let the value projection yield centred and smoothed values."""
    dim = len(grid.smooth)
    weight, bias = qkv.weight.copy(), qkv.bias.copy()
    weight[:, -dim:] /= grid.smooth
    bias[-dim:] = (bias[-dim:] - grid.center) / grid.smooth
    return Linear(weight, bias)


def quantise_linear(linear: Linear, grid: ActivationGrid, seen: InputStatistics) -> StaticLinear:
    """Round a linear layer's weight for inputs on one grid."""
    scaled = linear.weight * grid.smooth[:, np.newaxis]
    covariance = seen.covariance / np.outer(grid.smooth, grid.smooth)
    (weight,) = round_weight(scaled, covariance, [WeightPart(np.arange(len(scaled)), grid.wide)])
    shift = grid.normalise(seen.mean) @ (scaled - weight.dense())
    return StaticLinear(grid, weight, linear.bias + grid.center @ linear.weight + shift)


def _quantise_feed_forward(
    layer: Layer, number: int, statistics: Mapping[tuple[int, str], InputStatistics]
) -> _FeedForward:
    middle_seen, inner_seen = statistics[number, "fc1"], statistics[number, "fc2"]
    choice = choose_centered(middle_seen, layer.fc1.weight)
    first = quantise_linear(layer.fc1, choice.grid, middle_seen)
    parts = choose_inner(inner_seen, layer.fc2.weight, layer.output_norm.weight)
    seconds = quantise_inner(layer.fc2, parts, inner_seen)

    def apply(x: Float32) -> Float32:
        return np.sum([second.apply(x[:, part.channels]) for part, second in zip(parts, seconds, strict=True)], axis=0)

    reports = (
        _report(number, "fc1", choice, measure_error(first.apply, layer.fc1, middle_seen)),
        LinearReport(
            layer=number,
            name="fc2",
            error=measure_error(apply, layer.fc2, inner_seen),
            strength=0.0,
            margins=tuple(part.margin for part in parts),
            parts=tuple(len(part.channels) for part in parts),
            wide=parts[0].grid.wide,
        ),
    )
    pairs = zip(parts, seconds, strict=True)
    return _FeedForward(tuple(FeedForwardPart(_outputs(first, part), second) for part, second in pairs), reports)


def quantise_inner(fc2: Linear, parts: tuple[InnerPart, ...], seen: InputStatistics) -> tuple[StaticLinear, ...]:
    """Round a feed-forward network's second weight for inner channels in parts; the first part carries the bias."""
    split = [WeightPart(part.channels, part.grid.wide) for part in parts]
    weights = round_weight(fc2.weight, seen.covariance, split)
    shift = sum(
        seen.mean[part.channels] @ (fc2.weight[part.channels] - weight.dense())
        for part, weight in zip(parts, weights, strict=True)
    )
    biases = [fc2.bias + shift, *(np.zeros_like(fc2.bias) for _ in parts[1:])]
    return tuple(
        StaticLinear(part.grid, weight, bias) for part, weight, bias in zip(parts, weights, biases, strict=True)
    )


def _outputs(linear: StaticLinear, part: InnerPart) -> StaticLinear:
    """Keep some outputs of a linear layer, in a part's order."""
    weight = linear.weight
    kept = replace(
        weight,
        values=np.ascontiguousarray(weight.values[:, part.channels]),
        scales=weight.scales[part.channels],
    )
    return replace(linear, weight=kept, bias=linear.bias[part.channels])


def _report(number: int, name: str, choice: CenteredChoice, error: float) -> LinearReport:
    return LinearReport(number, name, error, choice.strength, (choice.margin,), (len(choice.grid.smooth),), 0)
