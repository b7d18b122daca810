"""ModernBERT's layers: sums that pass on as they are, rotary positions, windows, and gated inner channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.kernels.attention import PLAIN_BITS
from biolord_export.kernels.feed_forward import columns_of
from biolord_export.kernels.packing import pack_linear
from biolord_onnx.graph.compiled_operators import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biolord_export.checkpoint.weights import EncoderWeights, Float32, LayerNorm, Modern
    from biolord_export.kernels.builder import KernelGraph
    from biolord_export.kernels.layers import AttentionWeights, FeedForwardWeights, IntegerLayer
    from biolord_export.kernels.packing import PackedLinear


@dataclass(frozen=True, slots=True)
class Rows:
    """Hidden rows, float32 [tokens, dim]; where each text begins, int32 [batch + 1]; and a text's most tokens."""

    hidden: str
    starts: str
    longest: int


@dataclass(frozen=True, slots=True)
class FoldedNorm:
    """Gain and shift of a normalization and a smoothing together, float32 [2, dim]; or, normalized, of that alone."""

    rows: Float32
    normalized: bool


@dataclass(frozen=True, slots=True)
class RotaryAttention:
    """What a layer's attention is besides its weights: where texts begin, heads, turns by position, and the window."""

    starts: str
    heads: int
    turns: str
    window: int | None

    def emit(self, graph: KernelGraph, hidden: str, weights: AttentionWeights, norm: FoldedNorm, epsilon: float) -> str:
        """Add the node from float32 [tokens, dim] to the same."""
        qkv, output = pack_linear(weights.qkv), pack_linear(weights.output)
        optional = {"value_activation_bits": weights.value_bits} if weights.value_bits != PLAIN_BITS else {}
        optional |= {} if self.window is None else {"window": self.window}
        optional |= {"normalized": 1} if norm.normalized else {}
        return graph.op(
            "RotaryAttention",
            hidden,
            self.starts,
            graph.constant(norm.rows, "qkv/norm"),
            *graph.layer(qkv, "qkv"),
            *graph.layer(output, "output"),
            self.turns,
            graph.optional(qkv.group_scales, "qkv/group_scales"),
            graph.optional(output.group_scales, "output/group_scales"),
            domain=DOMAIN,
            heads=self.heads,
            epsilon=epsilon,
            **optional,
        )


def emit_modern_layers(
    graph: KernelGraph, weights: EncoderWeights, modern: Modern, layers: Sequence[IntegerLayer], rows: Rows
) -> str:
    """Add all layers and the last normalization.

    Args:
        graph: Where to.
        weights: For what isn't rounded.
        modern: For what sets it apart.
        layers: For what is rounded.
        rows: The input.

    Returns:
        The hidden rows of the pooling.
    """
    hidden = rows.hidden
    norm: LayerNorm | None = None
    for exact, layer, reach in zip(weights.layers, layers, modern.reaches, strict=True):
        turns = np.concatenate(reach.turns(rows.longest, weights.head_width), axis=1)
        attention = RotaryAttention(rows.starts, weights.heads, graph.constant(turns, "turns"), reach.window)
        epsilon = (norm or weights.embedding_norm).epsilon
        hidden = attention.emit(graph, hidden, layer.attention, fold(norm, layer.attention.smoothing), epsilon)
        hidden = _emit_feed_forward(graph, hidden, layer.feed_forward, exact.attention_norm)
        norm = exact.output_norm
    last = weights.layers[-1].output_norm
    return graph.op("LayerNorm", hidden, graph.norm(last), domain=DOMAIN, epsilon=last.epsilon)


def _emit_feed_forward(graph: KernelGraph, hidden: str, weights: FeedForwardWeights, norm: LayerNorm) -> str:
    """Add the node from float32 [tokens, dim] to the same."""
    first, second = pack_linear(weights.first), [pack_linear(group) for group in weights.second]
    return graph.op(
        "GatedFeedForward",
        hidden,
        graph.constant(fold(norm, weights.smoothing).rows, "first/norm"),
        *_emit_weights(graph, first, second),
        *_emit_group_scales(graph, first, second),
        domain=DOMAIN,
        groups=len(second),
        epsilon=norm.epsilon,
    )


def _emit_weights(graph: KernelGraph, first: PackedLinear, second: Sequence[PackedLinear]) -> tuple[str, str, str, str]:
    """Add the weights of both layers, and what belongs to their outputs."""
    packed = graph.constant(np.stack([group.packed for group in second]), "second")
    return *graph.layer(first, "first"), packed, graph.constant(columns_of(second), "second/columns")


def _emit_group_scales(graph: KernelGraph, first: PackedLinear, second: Sequence[PackedLinear]) -> tuple[str, str]:
    """Add the scales that four bits have; empty for eight."""
    scales = [group.group_scales for group in second if group.group_scales is not None]
    return (
        graph.optional(first.group_scales, "first/group_scales"),
        graph.optional(np.stack(scales) if scales else None, "second/group_scales"),
    )


def fold(norm: LayerNorm | None, smoothing: Float32) -> FoldedNorm:
    """Smooth by the normalization before, which costs nothing; None where that has been done already."""
    if norm is None:
        return FoldedNorm(smoothing, normalized=True)
    gain, shift = smoothing
    return FoldedNorm(np.stack([norm.weight * gain, norm.bias * gain + shift]), normalized=False)
