"""A feed-forward network with gated inner channels (GeGLU) in whole numbers.

What enters its second layer is the product of a GELU and a gate. The gate is linear, so it can yield channels that are
smoothed already, free of charge; their center stays where it is, for a product can't be shifted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.checkpoint.weights import Linear
from biolord_export.kernels.layers import FeedForwardWeights
from biolord_export.quantize.integer.arithmetic import contract, expand
from biolord_export.quantize.integer.groups import even_widths
from biolord_export.quantize.integer.layer import (
    QuantizedFeedForward,
    make_reports,
    quantize_inner,
    quantize_linear,
)
from biolord_export.quantize.report import measure_error
from biolord_export.quantize.smoothing import choose_smoothing

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import Layer
    from biolord_export.quantize.integer.layer import IntegerScheme, Order, Statistics
    from biolord_export.quantize.smoothing import Smoothing


def quantize_gated(layer: Layer, number: int, statistics: Statistics, scheme: IntegerScheme) -> QuantizedFeedForward:
    """Quantize the feed-forward network of the layer of a number."""
    seen, inner_seen = statistics[number, "fc1"], statistics[number, "fc2"]
    inner = choose_smoothing(inner_seen, layer.fc2.weight, scheme.mixed, centered=False)
    highest = np.maximum(inner_seen.highest, -inner_seen.lowest) / inner.factor
    order = np.argsort(-highest, kind="stable")
    fc1 = order_gates(layer.fc1, inner, order)
    smoothing = choose_smoothing(seen, fc1.weight, scheme.middle)
    smoothed = replace(
        inner_seen,
        mean=inner_seen.mean / inner.factor,
        covariance=inner_seen.covariance / np.outer(inner.factor, inner.factor),
    )
    fc2 = Linear(inner.scale(layer.fc2.weight), layer.fc2.bias)
    weights = FeedForwardWeights(
        smoothing.rows(),
        quantize_linear(fc1, smoothing, seen, scheme.round_weight),
        quantize_inner(fc2, order, smoothed, scheme.round_weight),
    )
    errors = (
        measure_error(lambda x: expand(weights, x), fc1, seen),
        measure_error(lambda x: contract(weights, inner.apply(x)[:, order]), layer.fc2, inner_seen),
    )
    return QuantizedFeedForward(
        weights, make_reports(number, ("fc1", "fc2"), errors, (smoothing.strength, inner.strength))
    )


def order_gates(fc1: Linear, inner: Smoothing, order: Order) -> Linear:
    """Lay the outputs out as the operators take them: a group's channels, its gates, and so on; gates smoothed."""
    channels = len(order)
    groups = order.reshape(len(even_widths(channels)), -1)
    columns = np.concatenate([groups, channels + groups], axis=1).ravel()
    scale = np.concatenate([np.ones_like(inner.factor), 1 / inner.factor])[columns]
    return Linear(fc1.weight[:, columns] * scale, fc1.bias[columns] * scale)
