"""From token vectors to one vector a text: the checkpoint's own pooling and normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.graph.packing import Packing

NORM_FLOOR = 1e-12
"""The smallest length that torch's ``normalize`` divides by."""


def emit_mean(graph: GraphBuilder, hidden: str, packing: Packing, attention_mask: str, dim: int) -> str:
    """Average a text's token vectors (Reimers and Gurevych 2019): float32 [batch, dim]."""
    padded = packing.unpack(graph, hidden, dim)
    weights = graph.op("Unsqueeze", graph.op("Cast", attention_mask, to=TensorProto.FLOAT), graph.ints(1))
    total = graph.op("Squeeze", graph.op("MatMul", weights, padded), graph.ints(1))
    count = graph.op("Cast", graph.op("Unsqueeze", packing.lengths, graph.ints(1)), to=TensorProto.FLOAT)
    return graph.op("Div", total, count)


def emit_cls(graph: GraphBuilder, hidden: str, packing: Packing, attention_mask: str, dim: int) -> str:
    """Take the vector of each text's first token: float32 [batch, dim]."""
    padded = packing.unpack(graph, hidden, dim)
    return graph.op("Gather", padded, graph.scalar(0, np.int64), axis=1)


def emit_unit(graph: GraphBuilder, vectors: str) -> str:
    """Scale each vector to length 1, as ``torch.nn.functional.normalize`` does."""
    length = graph.op("ReduceL2", vectors, graph.ints(1), keepdims=1)
    return graph.op("Div", vectors, graph.op("Max", length, graph.scalar(NORM_FLOOR)))


POOLINGS = {"mean": emit_mean, "cls": emit_cls}
"""Every pooling an artefact can have."""
