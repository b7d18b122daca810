"""Both halves of a transformer layer in whole numbers.

Inputs are centered and smoothed before they are rounded; that of the attention output free of charge: attention weights
add up to 1, so the value projection can yield centered, smoothed values. A GELU's outputs can't be smoothed; their
channels are sorted by range and rounded in groups instead. What rounding the weights shifts on average goes back
through the biases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.checkpoint.weights import Linear
from biolord_export.kernels.layers import AttentionWeights, FeedForwardWeights
from biolord_export.quantize.integer.arithmetic import contract, expand, project, project_mixed
from biolord_export.quantize.integer.groups import choose_widths
from biolord_export.quantize.report import LinearReport, measure_error
from biolord_export.quantize.smoothing import choose_smoothing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from biolord_export.calibration.collect import InputStatistics
    from biolord_export.checkpoint.weights import Float32, Layer
    from biolord_export.kernels.layers import IntegerLinear
    from biolord_export.quantize.integer.weight import IntegerWeight
    from biolord_export.quantize.smoothing import Smoothing

    Order = NDArray[np.int64]
    Statistics = Mapping[tuple[int, str], InputStatistics]
    WeightRounder = Callable[[Float32, Float32, Sequence[int] | None], tuple[IntegerWeight, ...]]


@dataclass(frozen=True, slots=True)
class IntegerScheme:
    """How an encoder is put into whole numbers.

    Attributes:
        round_weight: Rounds a weight in parts of some widths, given the covariance of its inputs.
        value_bits: Bits of the activations that attention's values are made of.
        qkv: Strengths of smoothing that are tried for the input of queries, keys and values.
        mixed: The same for the input of the projection behind attention.
        middle: The same for the input of the feed-forward network.
    """

    round_weight: WeightRounder
    value_bits: int
    qkv: tuple[float, ...]
    mixed: tuple[float, ...]
    middle: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class QuantizedAttention:
    """The half of a layer that ends behind attention, and the reports of its linear layers."""

    weights: AttentionWeights
    reports: tuple[LinearReport, ...]


@dataclass(frozen=True, slots=True)
class QuantizedFeedForward:
    """The other half."""

    weights: FeedForwardWeights
    reports: tuple[LinearReport, ...]


def quantize_attention(layer: Layer, number: int, statistics: Statistics, scheme: IntegerScheme) -> QuantizedAttention:
    """Quantize the attention of the layer of a number."""
    seen, mixed_seen = statistics[number, "qkv"], statistics[number, "attention_output"]
    mixed = choose_smoothing(mixed_seen, layer.attention_output.weight, scheme.mixed)
    folded = mixed.fold(layer.qkv)
    smoothing = choose_smoothing(seen, folded.weight, scheme.qkv)
    weights = AttentionWeights(
        smoothing.rows(),
        quantize_linear(folded, smoothing, seen, scheme.round_weight),
        quantize_linear(layer.attention_output, mixed, mixed_seen, scheme.round_weight),
        scheme.value_bits,
    )

    def output(x: Float32) -> Float32:
        return project_mixed(weights, mixed.apply(x))

    errors = (
        measure_error(lambda x: project(weights, x), folded, seen),
        measure_error(output, layer.attention_output, mixed_seen),
    )
    strengths = (smoothing.strength, mixed.strength)
    return QuantizedAttention(weights, make_reports(number, ("qkv", "attention_output"), errors, strengths))


def quantize_feed_forward(
    layer: Layer, number: int, statistics: Statistics, scheme: IntegerScheme
) -> QuantizedFeedForward:
    """Quantize the feed-forward network of the layer of a number."""
    seen, inner_seen = statistics[number, "fc1"], statistics[number, "fc2"]
    smoothing = choose_smoothing(seen, layer.fc1.weight, scheme.middle)
    order = np.argsort(-inner_seen.highest, kind="stable")
    fc1 = Linear(layer.fc1.weight[:, order], layer.fc1.bias[order])
    weights = FeedForwardWeights(
        smoothing.rows(),
        quantize_linear(fc1, smoothing, seen, scheme.round_weight),
        quantize_inner(layer.fc2, order, inner_seen, scheme.round_weight),
    )
    errors = (
        measure_error(lambda x: expand(weights, x), fc1, seen),
        measure_error(lambda x: contract(weights, x[:, order]), layer.fc2, inner_seen),
    )
    return QuantizedFeedForward(weights, make_reports(number, ("fc1", "fc2"), errors, (smoothing.strength, 0.0)))


def quantize_linear(
    linear: Linear, smoothing: Smoothing, seen: InputStatistics, round_weight: WeightRounder
) -> IntegerLinear:
    """Round a linear layer's weight for smoothed inputs."""
    scaled = smoothing.scale(linear.weight)
    (weight,) = round_weight(scaled, seen.covariance / np.outer(smoothing.factor, smoothing.factor), None)
    shift = smoothing.apply(seen.mean) @ (scaled - weight.dense())
    return weight.biased(linear.bias + smoothing.center @ linear.weight + shift)


def quantize_inner(
    fc2: Linear, order: Order, seen: InputStatistics, round_weight: WeightRounder
) -> tuple[IntegerLinear, ...]:
    """Round a feed-forward network's second weight, inputs in an order and in groups; the first has the bias."""
    exact = fc2.weight[order]
    widths = choose_widths((seen.held_out[:, order], seen.degenerate[:, order]), exact)
    weights = round_weight(exact, seen.covariance[np.ix_(order, order)], widths)
    shift = seen.mean[order] @ (exact - np.concatenate([weight.dense() for weight in weights]))
    first, *others = (weight.biased(np.zeros_like(fc2.bias)) for weight in weights)
    return replace(first, bias=fc2.bias + shift), *others


def make_reports(
    number: int, names: tuple[str, ...], errors: tuple[float, ...], strengths: tuple[float, ...]
) -> tuple[LinearReport, ...]:
    """Tell of linear layers of the layer of a number what quantizing them did."""
    return tuple(LinearReport(number, *each) for each in zip(names, errors, strengths, strict=True))
