"""From token vectors to one vector a text: the checkpoint's own pooling, and the modules behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto

from biolord_export.checkpoint.head.dense import Dense
from biolord_export.graph.activations import ACTIVATIONS
from biolord_export.graph.packing import fill_block
from biolord_export.graph.padded import POOLINGS, emit_padded
from biolord_onnx.session.session import SKIPPED

if TYPE_CHECKING:
    from biolord_export.checkpoint.head.pooling import Pooling
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.graph.packing import Packing

NORM_FLOOR = 1e-12
"""The smallest length that torch's ``normalize`` divides by."""
SUM_BLOCK = 8
"""Tokens are summed over a multiple of this many places. onnxruntime's matrix-vector kernel adds 4 products at a time
and what is left over in another order, so without it a text's sum would depend on the padding behind it."""


def emit_unpacked(graph: GraphBuilder, hidden: str, packing: Packing, attention_mask: str) -> tuple[str, str]:
    """Spread float32 [tokens, dim] over the places of a batch; returns that and the mask, both of whole blocks."""
    if packing.layout.block % SUM_BLOCK == 0:
        return packing.unpack(graph, hidden), attention_mask
    places = fill_block(graph, packing.places(graph), SUM_BLOCK)
    padded = graph.op("Gather", hidden, places, axis=0)
    return padded, fill_block(graph, attention_mask, SUM_BLOCK)


def emit_vectors(graph: GraphBuilder, hidden: str, attention_mask: str, pooling: Pooling, dim: int) -> None:
    """Pool float32 [batch, sequence, dim], go through the modules behind, and add the graph's outputs.

    They are ``sentence_embedding``, what the checkpoint's modules yield, and ``unit_embedding``, that of length 1.
    """
    skipped = "" if pooling.include_prompt else graph.input(SKIPPED, TensorProto.INT64, [1])
    padded = emit_padded(graph, hidden, attention_mask, skipped)
    pooled = [POOLINGS[mode](graph, padded) for mode in pooling.modes]
    vectors = pooled[0] if len(pooled) == 1 else graph.op("Concat", *pooled, axis=1)
    for step in pooling.steps:
        vectors = emit_dense(graph, vectors, step) if isinstance(step, Dense) else emit_unit(graph, vectors)
    if pooling.normalize:
        vectors = emit_unit(graph, vectors)
    if pooling.cut:
        vectors = graph.op("Slice", vectors, graph.ints(0), graph.ints(pooling.cut), graph.ints(1))
    unit = vectors if pooling.normalized else emit_unit(graph, vectors)
    for name, value in (("sentence_embedding", vectors), ("unit_embedding", unit)):
        graph.output(name, value, TensorProto.FLOAT, ["batch", pooling.width(dim)])


def emit_dense(graph: GraphBuilder, vectors: str, dense: Dense) -> str:
    """Apply a Dense module to float32 [batch, inputs]; always in float32, as it runs once a text."""
    product = graph.op("MatMul", vectors, graph.constant(dense.linear.weight, "dense"))
    linear = graph.op("Add", product, graph.constant(dense.linear.bias, "dense/bias"))
    return ACTIVATIONS[dense.activation](graph, linear)


def emit_unit(graph: GraphBuilder, vectors: str) -> str:
    """Scale each vector to length 1, as ``torch.nn.functional.normalize`` does."""
    length = graph.op("ReduceL2", vectors, graph.ints(1), keepdims=1)
    return graph.op("Div", vectors, graph.op("Max", length, graph.scalar(NORM_FLOOR)))
