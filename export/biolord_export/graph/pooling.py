"""From token vectors to one vector a text: the checkpoint's own pooling and normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.graph.packing import Packing

NORM_FLOOR = 1e-12
"""The smallest length that torch's ``normalize`` divides by."""
SUM_BLOCK = 8
"""Tokens are summed over a multiple of this many places. onnxruntime's matrix-vector kernel adds 4 products at a time
and what is left over in another order, so without it a text's sum would depend on the padding behind it."""


def emit_mean(graph: GraphBuilder, hidden: str, packing: Packing, attention_mask: str, dim: int) -> str:
    """Average a text's token vectors (Reimers and Gurevych 2019): float32 [batch, dim]."""
    padded = graph.op("Gather", hidden, _fill_block(graph, packing.places(graph), packing.sequence), axis=0)
    mask = graph.op("Cast", _fill_block(graph, attention_mask, packing.sequence), to=TensorProto.FLOAT)
    total = graph.op("MatMul", graph.op("Unsqueeze", mask, graph.ints(1)), padded)
    count = graph.op("Cast", graph.op("Unsqueeze", packing.lengths, graph.ints(1)), to=TensorProto.FLOAT)
    return graph.op("Div", graph.op("Squeeze", total, graph.ints(1)), count)


def _fill_block(graph: GraphBuilder, rows: str, sequence: str) -> str:
    """Append zeros to int64 [batch, sequence] until its rows are as long as a multiple of the block."""
    missing = graph.op("Mod", graph.op("Neg", sequence), graph.ints(SUM_BLOCK))
    return graph.op("Pad", rows, graph.op("Concat", graph.ints(0, 0, 0), missing, axis=0))


def emit_cls(graph: GraphBuilder, hidden: str, packing: Packing, attention_mask: str, dim: int) -> str:
    """Take the vector of each text's first token: float32 [batch, dim]."""
    first = graph.op("Gather", packing.places(graph), graph.scalar(0, np.int64), axis=1)
    return graph.op("Gather", hidden, first, axis=0)


def emit_unit(graph: GraphBuilder, vectors: str) -> str:
    """Scale each vector to length 1, as ``torch.nn.functional.normalize`` does."""
    length = graph.op("ReduceL2", vectors, graph.ints(1), keepdims=1)
    return graph.op("Div", vectors, graph.op("Max", length, graph.scalar(NORM_FLOOR)))


POOLINGS = {"mean": emit_mean, "cls": emit_cls}
"""Every pooling an artifact can have."""
