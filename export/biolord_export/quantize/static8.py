"""Static 8 bits: what standard operators can compute, for the portable targets.

Every scale is fixed at export or belongs to one token, so a vector never depends on what else is in its batch. Inputs
of the linear layers are centered, smoothed and rounded to 8 bits (``quantize.grid``), weights are rounded by GPTQ, and
what rounding shifts on average goes back through the bias. The attention output is centered and smoothed free of
charge: attention weights add up to 1, so the value projection can yield the centered, smoothed values. GELU outputs
are rounded on a grid that ends at each token's own largest value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.checkpoint.weights import Linear
from biolord_export.progress import track
from biolord_export.quantize.candidates import choose_inner, choose_static
from biolord_export.quantize.report import StaticReport, measure_error
from biolord_export.quantize.tables import round_table
from biolord_export.quantize.weight8 import Int8Weight, round_weight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from biolord_export.calibration.collect import InputStatistics
    from biolord_export.checkpoint.weights import EncoderWeights, Float32, Layer
    from biolord_export.quantize.candidates import InnerChoice, StaticChoice
    from biolord_export.quantize.grid import PerTensorQuantizer, PerTokenQuantizer
    from biolord_export.quantize.tables import Int8Table


@dataclass(frozen=True, slots=True)
class StaticLinear:
    """A linear layer whose input is rounded to a grid fixed at export and whose weight is int8."""

    grid: PerTensorQuantizer
    weight: Int8Weight
    bias: Float32

    def apply(self, x: Float32) -> Float32:
        """Compute in numpy what the layer makes of raw inputs, float32 [tokens, inputs] to [tokens, outputs]."""
        return self.grid.round(self.grid.normalize(x)) @ self.weight.dense() + self.bias

    def outputs(self, chosen: NDArray[np.int64] | slice) -> StaticLinear:
        """Return the layer that yields some of the outputs, in that order."""
        values = np.ascontiguousarray(self.weight.values[:, chosen])
        return StaticLinear(self.grid, Int8Weight(values, self.weight.scales[chosen]), self.bias[chosen])


@dataclass(frozen=True, slots=True)
class RowLinear:
    """A linear layer whose input is rounded to a grid of each token's own and whose weight is int8."""

    grid: PerTokenQuantizer
    weight: Int8Weight
    bias: Float32

    def apply(self, x: Float32) -> Float32:
        """Compute in numpy what the layer makes of inputs, float32 [tokens, inputs] to [tokens, outputs]."""
        return self.grid.round(x) @ self.weight.dense() + self.bias


@dataclass(frozen=True, slots=True)
class StaticLayer:
    """The linear layers of a transformer layer.

    Attributes:
        qkv: Yields query, key and value side by side, the value as the output projection's grid wants it.
        attention_output: The projection after attention, whose inputs come centered and smoothed.
        first: Yields the inner channels, those that stay in float32 first.
        outliers: What the channels in float32 are multiplied with, with the bias if there is any such channel.
        rest: What the other channels are multiplied with; adds to that.
    """

    qkv: StaticLinear
    attention_output: StaticLinear
    first: StaticLinear
    outliers: Linear
    rest: RowLinear


@dataclass(frozen=True, slots=True)
class StaticEncoder:
    """An encoder in static 8 bits, and the report of each linear layer."""

    table: Int8Table
    layers: tuple[StaticLayer, ...]
    reports: tuple[StaticReport, ...]


def quantize_static8(weights: EncoderWeights, statistics: Mapping[tuple[int, str], InputStatistics]) -> StaticEncoder:
    """Quantize an encoder with the statistics of its linear layers' inputs."""
    layers: list[StaticLayer] = []
    reports: list[StaticReport] = []
    for number in track(range(len(weights.layers)), "quantizing"):
        layer = weights.layers[number]
        attention = _quantize_attention(layer, number, statistics)
        feed_forward = _quantize_feed_forward(layer, number, statistics)
        parts = (feed_forward.first, feed_forward.outliers, feed_forward.rest)
        layers.append(StaticLayer(attention.qkv, attention.output, *parts))
        reports.extend((*attention.reports, *feed_forward.reports))
    return StaticEncoder(round_table(weights.word_embeddings), tuple(layers), tuple(reports))


@dataclass(frozen=True, slots=True)
class _Attention:
    qkv: StaticLinear
    output: StaticLinear
    reports: tuple[StaticReport, ...]


@dataclass(frozen=True, slots=True)
class _FeedForward:
    first: StaticLinear
    outliers: Linear
    rest: RowLinear
    reports: tuple[StaticReport, ...]


def _quantize_attention(layer: Layer, number: int, statistics: Mapping[tuple[int, str], InputStatistics]) -> _Attention:
    mixed_seen, seen = statistics[number, "attention_output"], statistics[number, "qkv"]
    mixed = choose_static(mixed_seen, layer.attention_output.weight)
    folded = fold_values(layer.qkv, mixed.grid)
    choice = choose_static(seen, folded.weight)
    qkv = quantize_linear(folded, choice.grid, seen)
    output = quantize_linear(layer.attention_output, mixed.grid, mixed_seen)
    reports = (
        _report(number, "qkv", choice, measure_error(qkv.apply, folded, seen)),
        _report(number, "attention_output", mixed, measure_error(output.apply, layer.attention_output, mixed_seen)),
    )
    return _Attention(qkv, replace(output, grid=replace(mixed.grid, folded=True)), reports)


def fold_values(qkv: Linear, grid: PerTensorQuantizer) -> Linear:
    """Let the value projection yield centered and smoothed values."""
    dim = len(grid.smooth)
    weight, bias = qkv.weight.copy(), qkv.bias.copy()
    weight[:, -dim:] /= grid.smooth
    bias[-dim:] = (bias[-dim:] - grid.center) / grid.smooth
    return Linear(weight, bias)


def quantize_linear(linear: Linear, grid: PerTensorQuantizer, seen: InputStatistics) -> StaticLinear:
    """Round a linear layer's weight for inputs on one grid."""
    scaled = linear.weight * grid.smooth[:, np.newaxis]
    _, weight = round_weight(scaled, seen.covariance / np.outer(grid.smooth, grid.smooth))
    shift = grid.normalize(seen.mean) @ (scaled - weight.dense())
    return StaticLinear(grid, weight, linear.bias + grid.center @ linear.weight + shift)


def _quantize_feed_forward(
    layer: Layer, number: int, statistics: Mapping[tuple[int, str], InputStatistics]
) -> _FeedForward:
    middle_seen, inner_seen = statistics[number, "fc1"], statistics[number, "fc2"]
    middle = choose_static(middle_seen, layer.fc1.weight)
    first = quantize_linear(layer.fc1, middle.grid, middle_seen)
    inner = choose_inner(inner_seen, layer.fc2.weight, layer.output_norm.weight)
    outliers, rest = quantize_inner(layer.fc2, inner, inner_seen)

    def apply(x: Float32) -> Float32:
        ordered = x[:, inner.order]
        kept = ordered[:, : inner.outliers] @ outliers.weight + outliers.bias
        return kept + rest.apply(ordered[:, inner.outliers :])

    error = measure_error(apply, layer.fc2, inner_seen)
    reports = (
        _report(number, "fc1", middle, measure_error(first.apply, layer.fc1, middle_seen)),
        StaticReport(number, "fc2", error, strength=0.0, end=inner.grid.floor, outliers=inner.outliers),
    )
    return _FeedForward(first.outputs(inner.order), outliers, rest, reports)


def quantize_inner(fc2: Linear, choice: InnerChoice, seen: InputStatistics) -> tuple[Linear, RowLinear]:
    """Round a feed-forward network's second weight: for its outlier channels, with the bias, and for the rest."""
    order, outliers = choice.order, choice.outliers
    exact = fc2.weight[order]
    kept, weight = round_weight(exact, seen.covariance[np.ix_(order, order)], outliers)
    shift = seen.mean[order] @ (exact - np.concatenate([kept, weight.dense()]))
    bias, none = fc2.bias + shift, np.zeros_like(fc2.bias)
    return Linear(kept, bias if outliers else none), RowLinear(choice.grid, weight, none if outliers else bias)


def _report(number: int, name: str, choice: StaticChoice, error: float) -> StaticReport:
    return StaticReport(number, name, error, choice.strength, choice.margin, outliers=0)
