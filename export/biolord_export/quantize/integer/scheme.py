"""Whole numbers for the compiled operators: the targets' number formats.

Every token's activations are rounded on grids of its own, weights by GPTQ. Nothing of an activation's range is fixed at
export, so nothing clips, and a vector never depends on what else is in its batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biolord_export.kernels.layers import IntegerEncoder, IntegerLayer
from biolord_export.progress import track
from biolord_export.quantize.integer.gated import quantize_gated
from biolord_export.quantize.integer.layer import IntegerScheme, quantize_attention, quantize_feed_forward
from biolord_export.quantize.integer.weight import round_weight8
from biolord_export.quantize.integer.weight4 import round_weight4
from biolord_export.quantize.report import LinearReport, Quantized
from biolord_export.quantize.tables import round_table

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import EncoderWeights, Linear
    from biolord_export.kernels.layers import IntegerLinear
    from biolord_export.quantize.integer.layer import Statistics

INTEGER8 = IntegerScheme(round_weight8, value_bits=16, qkv=(0.9,), mixed=(0.65, 0.8, 0.9), middle=(0.65, 0.8, 0.9))
INTEGER4 = IntegerScheme(round_weight4, value_bits=8, qkv=(0.65,), mixed=(0.65,), middle=(0.65,))


def quantize_integer8(weights: EncoderWeights, statistics: Statistics) -> Quantized:
    """Quantize an encoder of sizes that the operators take to 8 bits, given statistics of its linear layers' inputs."""
    return quantize_integer(weights, statistics, INTEGER8)


def quantize_integer4(weights: EncoderWeights, statistics: Statistics) -> Quantized:
    """Quantize an encoder's linear layers to 4 bits, its table to 8."""
    return quantize_integer(weights, statistics, INTEGER4)


def quantize_integer(weights: EncoderWeights, statistics: Statistics, scheme: IntegerScheme) -> Quantized:
    """Quantize an encoder by a scheme."""
    layers: list[IntegerLayer] = []
    reports: list[LinearReport] = []
    for number, layer in enumerate(track(weights.layers, "quantizing")):
        attention = quantize_attention(layer, number, statistics, scheme)
        quantize_inner = quantize_gated if weights.modern else quantize_feed_forward
        feed_forward = quantize_inner(layer, number, statistics, scheme)
        layers.append(IntegerLayer(attention.weights, feed_forward.weights))
        reports.extend((*attention.reports, *feed_forward.reports))
    table = round_table(weights.word_embeddings)
    projection = _round_projection(weights.projection) if weights.projection else None
    encoder = IntegerEncoder(table.values, table.scales.astype(np.float32), tuple(layers), projection)
    return Quantized(encoder, tuple(reports))


def _round_projection(projection: Linear) -> IntegerLinear:
    """Round to 8 bits, each weight for itself: its inputs are rounded to 16 bits, and no layer comes before it."""
    (weight,) = round_weight8(projection.weight, np.eye(len(projection.weight), dtype=np.float32))
    return weight.biased(projection.bias)
