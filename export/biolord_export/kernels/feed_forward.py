"""The half of a layer that works on each token by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biolord_export.kernels.packing import pack_linear
from biolord_onnx.graph.compiled_operators import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biolord_export.checkpoint.weights import Float32, LayerNorm
    from biolord_export.kernels.builder import KernelGraph
    from biolord_export.kernels.layers import FeedForwardWeights, Int8
    from biolord_export.kernels.packing import PackedLinear


def emit_feed_forward(graph: KernelGraph, hidden: str, weights: FeedForwardWeights, norm: LayerNorm) -> str:
    """Add the node from float32 [tokens, dim] to the same."""
    first, second = pack_linear(weights.first), [pack_linear(group) for group in weights.second]
    return graph.op(
        "FeedForward",
        hidden,
        graph.constant(weights.smoothing, "first/smoothing"),
        *graph.layer(first, "first"),
        graph.constant(np.concatenate([group.packed.reshape(-1, 16, 4) for group in second]), "second"),
        graph.constant(columns_of(second), "second/columns"),
        graph.norm(norm),
        graph.constant(np.array([len(group.values) for group in weights.second], dtype=np.int32), "second/widths"),
        graph.optional(first.group_scales, "first/group_scales"),
        graph.optional(_group_scales(second), "second/group_scales"),
        domain=DOMAIN,
        epsilon=norm.epsilon,
    )


def columns_of(groups: Sequence[PackedLinear]) -> Float32:
    """Return float32 [2 * groups + 1, dim]: column sums and scales of each group, and the bias of all."""
    rows = [row for group in groups for row in (group.colsum, group.scale)]
    bias = np.sum([group.bias for group in groups], axis=0, dtype=np.float64)
    return np.stack([*rows, bias.astype(np.float32)])


def _group_scales(groups: Sequence[PackedLinear]) -> Int8 | None:
    scales = [group.group_scales for group in groups if group.group_scales is not None]
    return np.concatenate([each.reshape(-1, 16) for each in scales]) if scales else None
