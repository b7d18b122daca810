"""The whole graph, from token ids to a text's vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnx import TensorProto

from biolord_export.graph.attention import emit_attentions
from biolord_export.graph.builder import FLOAT32, GraphBuilder
from biolord_export.graph.embeddings import emit_embeddings
from biolord_export.graph.feed_forward import emit_inner
from biolord_export.graph.head import emit_head
from biolord_export.graph.linear import emit_linear
from biolord_export.graph.normalization import emit_layer_norm
from biolord_export.graph.packing import PACKED, Layout, emit_packing, fill_block
from biolord_export.graph.pooling import emit_unpacked, emit_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from biolord_export.checkpoint.head.pooling import Pooling
    from biolord_export.checkpoint.weights import EncoderWeights, Layer
    from biolord_export.graph.attention import Attention
    from biolord_export.graph.builder import FloatFormat

LINEAR_INPUTS = ("qkv", "attention_output", "fc1", "fc2")
"""The four linear layers of a transformer layer, each with an input of its own."""


@dataclass(frozen=True, slots=True)
class EncoderGraph:
    """A finished graph, and where to look inside it.

    Attributes:
        builder: Saves the graph.
        taps: The float32 [tokens, inputs] value that enters each linear layer, by (layer number, name);
            ``attention_output`` has a row for each place of the batch, padding included.
    """

    builder: GraphBuilder
    taps: Mapping[tuple[int, str], str]


def emit_encoder(
    weights: EncoderWeights, pooling: Pooling, floats: FloatFormat = FLOAT32, layout: Layout = PACKED
) -> EncoderGraph:
    """Write the graph of an encoder.

    Its inputs are ``input_ids`` and ``attention_mask``, int64 [batch, sequence] with the real tokens first in each
    row; its outputs ``sentence_embedding`` (what the checkpoint's modules yield) and ``unit_embedding`` (that, of
    length 1), float32 [batch, dim]. In between it computes in ``floats``, pooling always in float32; its batch
    lies in memory as ``layout`` says.

    A cross-encoder has the output ``logits`` instead, float32 [batch, 1], and if its weights tell the texts of a pair
    apart, the input ``token_type_ids`` besides.
    """
    graph = GraphBuilder(weights.architecture, floats)
    input_ids = graph.input("input_ids", TensorProto.INT64, ["batch", "sequence"])
    attention_mask = graph.input("attention_mask", TensorProto.INT64, ["batch", "sequence"])
    types = ""
    if weights.token_types is not None:
        types = graph.input("token_type_ids", TensorProto.INT64, ["batch", "sequence"])
    if layout.block > 1:
        input_ids, attention_mask = (fill_block(graph, rows, layout.block) for rows in (input_ids, attention_mask))
        types = types and fill_block(graph, types, layout.block)
    packing = emit_packing(graph, attention_mask, layout)
    hidden = residual = emit_embeddings(graph, weights, packing, input_ids, types)
    attentions = emit_attentions(graph, weights, packing)
    taps: dict[tuple[int, str], str] = {}
    for number, (layer, attention) in enumerate(zip(weights.layers, attentions, strict=True)):
        inputs, hidden, residual = _emit_layer(graph, layer, attention, hidden, residual)
        taps.update({(number, name): value for name, value in zip(LINEAR_INPUTS, inputs, strict=True)})
    # Sums over hundreds of tokens, and lengths, want more digits than float16 has.
    hidden = graph.widen(hidden)
    if weights.head is not None:
        emit_head(graph, packing.first(graph, hidden), weights.head)
        return EncoderGraph(graph, taps)
    padded, mask = emit_unpacked(graph, hidden, packing, attention_mask)
    emit_vectors(graph, padded, mask, pooling, weights.dim)
    return EncoderGraph(graph, taps)


def _emit_layer(
    graph: GraphBuilder, layer: Layer, attention: Attention, hidden: str, residual: str
) -> tuple[tuple[str, ...], str, str]:
    """Add a layer; both values are the same before and behind a post-norm layer.

    Args:
        graph: Where to.
        layer: Its weights.
        attention: Its attention.
        hidden: What the layer reads, normalized.
        residual: What its halves are added to.

    Returns:
        The inputs of its linear layers, and the next layer's ``hidden`` and ``residual``.
    """
    modern = attention.turn is not None
    attended, mixed = attention.emit(graph, hidden, layer)
    total = graph.op("Add", attended, residual)
    middle = emit_layer_norm(graph, total, layer.attention_norm)
    inner = emit_inner(graph, emit_linear(graph, middle, layer.fc1), gated=modern)
    outer = graph.op("Add", emit_linear(graph, inner, layer.fc2), total if modern else middle)
    behind = emit_layer_norm(graph, outer, layer.output_norm)
    return (hidden, mixed, middle, inner), behind, outer if modern else behind
