"""An encoder rounded to the nearest, with nothing fitted: the same whole numbers on every machine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from biolord_export.checkpoint.weights import EncoderWeights, Layer, Linear
from biolord_export.kernels.layers import (
    AttentionWeights,
    FeedForwardWeights,
    IntegerEncoder,
    IntegerLayer,
    IntegerLinear,
)
from biolord_export.quantize.tables import round_table

Float32 = NDArray[np.float32]
GROUP = 32
"""Inputs that share a scale of 4-bit weights."""
INNER_GROUPS = 2


def round_encoder(weights: EncoderWeights, bits: int = 8, value_bits: int = 8) -> IntegerEncoder:
    """Round every linear layer; activations are neither centered nor smoothed."""
    table = round_table(weights.word_embeddings)
    gated = weights.modern is not None
    layers = tuple(_layer(layer, bits, value_bits, gated=gated) for layer in weights.layers)
    projection = _round8(weights.projection) if weights.projection else None
    return IntegerEncoder(table.values, table.scales.astype(np.float32), layers, projection)


def _places(layer: Layer, *, gated: bool) -> NDArray[np.int64]:
    """Where outputs of the first layer come from: with gates, a group's channels, its gates, and so on."""
    if not gated:
        return np.arange(layer.fc1.weight.shape[1])
    inner = len(layer.fc2.weight)
    groups = np.arange(inner).reshape(INNER_GROUPS, -1)
    return np.concatenate([groups, inner + groups], axis=1).ravel()


def _layer(layer: Layer, bits: int, value_bits: int, *, gated: bool) -> IntegerLayer:
    places = _places(layer, gated=gated)
    fc1 = Linear(layer.fc1.weight[:, places], layer.fc1.bias[places])
    dim = len(layer.qkv.weight)
    as_is = np.stack([np.ones(dim), np.zeros(dim)]).astype(np.float32)
    parts = np.split(np.arange(len(layer.fc2.weight)), INNER_GROUPS)
    biases = [layer.fc2.bias, *[np.zeros_like(layer.fc2.bias)] * (INNER_GROUPS - 1)]
    second = (Linear(layer.fc2.weight[part], bias) for part, bias in zip(parts, biases, strict=True))
    qkv, output, first = (round_linear(one, bits) for one in (layer.qkv, layer.attention_output, fc1))
    return IntegerLayer(
        AttentionWeights(as_is, qkv, output, value_bits),
        FeedForwardWeights(as_is, first, tuple(round_linear(one, bits) for one in second)),
    )


def round_linear(linear: Linear, bits: int) -> IntegerLinear:
    """Round one layer."""
    return (_round8 if bits == 8 else _round4)(linear)


def _round8(linear: Linear) -> IntegerLinear:
    scale = np.abs(linear.weight).max(axis=0) / np.float32(127)
    return IntegerLinear(np.rint(linear.weight / scale).astype(np.int8), scale, linear.bias)


def _round4(linear: Linear) -> IntegerLinear:
    groups = linear.weight.reshape(-1, GROUP, linear.weight.shape[1])
    ends = np.abs(groups).max(axis=1) / np.float32(7)
    scale = ends.max(axis=0) / np.float32(15)
    steps = np.clip(np.ceil(ends / scale), 1, 15).astype(np.float32)
    values = np.clip(np.rint(groups / (steps * scale)[:, np.newaxis]), -8, 7).astype(np.int8)
    return IntegerLinear(values.reshape(linear.weight.shape), scale, linear.bias, steps.astype(np.int8))


def dense(linear: IntegerLinear) -> Float32:
    """Return the float32 [inputs, outputs] weight that the whole numbers stand for."""
    values = linear.values * linear.scale
    if linear.group_scales is None:
        return values
    return np.asarray(values * np.repeat(linear.group_scales, GROUP, axis=0), dtype=np.float32)


def rounded_weights(weights: EncoderWeights, bits: int) -> EncoderWeights:
    """Return the exact encoder whose linear layers are those of `round_encoder`."""
    encoder = round_encoder(weights, bits)
    gated = weights.modern is not None

    def layer(exact: Layer, found: IntegerLayer) -> Layer:
        attention, forward = found.attention, found.feed_forward
        return replace(
            exact,
            qkv=Linear(dense(attention.qkv), exact.qkv.bias),
            attention_output=Linear(dense(attention.output), exact.attention_output.bias),
            fc1=Linear(dense(forward.first)[:, np.argsort(_places(exact, gated=gated))], exact.fc1.bias),
            fc2=Linear(np.concatenate([dense(group) for group in forward.second]), exact.fc2.bias),
        )

    projection = weights.projection
    if projection and encoder.projection:
        projection = Linear(dense(encoder.projection), projection.bias)
    return replace(weights, layers=tuple(map(layer, weights.layers, encoder.layers)), projection=projection)
