"""8 bits in blocks of 32: the most faithful integer scheme, exact on every CPU, and nothing to calibrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biolord_export.graph.operators import EncoderOperators, FeedForwardPart, LayerOperators
from biolord_export.progress import track
from biolord_export.quantise.block import BlockLinear, BlockWeight, split_blocks
from biolord_export.quantise.report import Quantised
from biolord_export.quantise.tables import round_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from biolord_export.calibrate import InputStatistics
    from biolord_export.weights import EncoderWeights, Float32, Layer, Linear

LARGEST = 255
"""The largest code."""


def quantise_block8(weights: EncoderWeights, statistics: Mapping[tuple[int, str], InputStatistics]) -> Quantised:
    """Round an encoder's weights to the nearest; the statistics may be empty, for nothing is fitted to them."""
    layers = tuple(_quantise_layer(layer) for layer in track(weights.layers, "quantising"))
    return Quantised(EncoderOperators(round_table(weights.word_embeddings), layers), ())


def _quantise_layer(layer: Layer) -> LayerOperators:
    feed_forward = FeedForwardPart(round_linear(layer.fc1), round_linear(layer.fc2))
    return LayerOperators(round_linear(layer.qkv), round_linear(layer.attention_output), (feed_forward,))


def round_linear(linear: Linear) -> BlockLinear:
    """Round a linear layer's weight to the nearest."""
    return BlockLinear(round_block8(linear.weight), linear.bias)


def round_block8(weight: Float32) -> BlockWeight:
    """Round float32 [inputs, outputs] to the nearest step of each block's own range, which holds 0.

    A zero point for each block costs no time in the kernel, and finer steps than a range around 0 has.
    """
    blocks = split_blocks(weight.T)
    lowest, highest = np.minimum(blocks.min(axis=2), 0), np.maximum(blocks.max(axis=2), 0)
    scales = np.maximum((highest - lowest) / np.float32(LARGEST), np.finfo(np.float32).tiny)
    zero_points = np.rint(-lowest / scales)
    codes = np.clip(np.rint(blocks / scales[..., np.newaxis]) + zero_points[..., np.newaxis], 0, LARGEST)
    return BlockWeight(8, len(weight), codes.astype(np.uint8), scales, zero_points.astype(np.uint8))
