"""The whole graph of compiled operators, from token ids to a text's vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto

from biolord_export.kernels.attention import Attention, emit_bias
from biolord_export.kernels.builder import KernelGraph
from biolord_export.kernels.embed import emit_embed
from biolord_export.kernels.feed_forward import emit_feed_forward
from biolord_export.kernels.modern import Rows, emit_modern_layers
from biolord_export.kernels.pool import emit_pool
from biolord_export.kernels.score import emit_score

if TYPE_CHECKING:
    from biolord_export.checkpoint.head.pooling import Pooling
    from biolord_export.checkpoint.weights import EncoderWeights
    from biolord_export.kernels.layers import IntegerEncoder


def emit_integer_encoder(
    weights: EncoderWeights, encoder: IntegerEncoder, pooling: Pooling, longest: int
) -> KernelGraph:
    """Write the graph of an encoder in whole numbers.

    Inputs and outputs are those of `graph.encoder.emit_encoder`.

    Args:
        weights: For what isn't rounded: positions, normalizations, the bias by distance.
        encoder: For what is.
        pooling: What follows.
        longest: Tokens of a text, at most; positions behind them are left out.
    """
    graph = KernelGraph(weights.architecture)
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if weights.token_types is not None else [])]
    values = tuple(graph.input(name, TensorProto.INT64, ["batch", "sequence"]) for name in names)
    hidden, starts = emit_embed(graph, weights, encoder, values, longest)
    if weights.modern:
        rows = Rows(hidden, starts, longest)
        hidden = emit_modern_layers(graph, weights, weights.modern, encoder.layers, rows)
    else:
        attention = Attention(starts, weights.heads, emit_bias(graph, weights, longest))
        for exact, layer in zip(weights.layers, encoder.layers, strict=True):
            hidden = attention.emit(graph, hidden, layer.attention, exact.attention_norm)
            hidden = emit_feed_forward(graph, hidden, layer.feed_forward, exact.output_norm)
    if weights.head is not None:
        emit_score(graph, hidden, starts, weights.head)
    else:
        emit_pool(graph, hidden, starts, pooling, weights.dim)
    return graph
