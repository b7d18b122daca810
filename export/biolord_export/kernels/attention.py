"""The half of a layer that mixes a text's tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.kernels.packing import pack_linear
from biolord_onnx.graph.compiled_operators import DOMAIN

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import EncoderWeights, LayerNorm
    from biolord_export.kernels.builder import KernelGraph
    from biolord_export.kernels.layers import AttentionWeights

PLAIN_BITS = 8
"""The ``value_activation_bits`` that a node without the attribute has."""


@dataclass(frozen=True, slots=True)
class Attention:
    """What all layers share: where texts begin, the heads, and the bias by distance (empty for none)."""

    starts: str
    heads: int
    bias: str

    def emit(self, graph: KernelGraph, hidden: str, weights: AttentionWeights, norm: LayerNorm) -> str:
        """Add the node from float32 [tokens, dim] to the same."""
        qkv, output = pack_linear(weights.qkv), pack_linear(weights.output)
        bits = {} if weights.value_bits == PLAIN_BITS else {"value_activation_bits": weights.value_bits}
        return graph.op(
            "Attention",
            hidden,
            self.starts,
            graph.constant(weights.smoothing, "qkv/smoothing"),
            *graph.layer(qkv, "qkv"),
            *graph.layer(output, "output"),
            graph.norm(norm),
            self.bias,
            graph.optional(qkv.group_scales, "qkv/group_scales"),
            graph.optional(output.group_scales, "output/group_scales"),
            domain=DOMAIN,
            heads=self.heads,
            epsilon=norm.epsilon,
            **bits,
        )


def emit_bias(graph: KernelGraph, weights: EncoderWeights, longest: int) -> str:
    """Add the bias by distance, float32 [heads, 2 * longest - 1], of so long texts at most; empty for none."""
    if weights.relative_bias is None:
        return ""
    middle = weights.max_positions - 1
    columns = slice(middle - (longest - 1), middle + longest)
    return graph.constant(np.ascontiguousarray(weights.relative_bias[:, columns]), "relative_bias")
