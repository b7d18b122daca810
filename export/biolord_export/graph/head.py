"""From token vectors to a pair's score: the classifier of a cross-encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto

from biolord_export.graph.builder import MICROSOFT

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import Head, Linear
    from biolord_export.graph.builder import GraphBuilder

ACTIVATION_OPERATORS = {"tanh": ("Tanh", ""), "gelu": ("Gelu", MICROSOFT), "relu": ("Relu", "")}
"""The operator of each activation, and its domain."""


def emit_head(graph: GraphBuilder, first: str, head: Head) -> None:
    """Add the classifier and the graph's output ``logits``, float32 [batch, 1].

    Args:
        graph: Where to.
        first: The vector of each pair's first token, float32 [batch, dim].
        head: The classifier; it is computed in float32, whatever the graph is in.
    """
    kind, domain = ACTIVATION_OPERATORS[head.activation]
    inner = graph.op(kind, _exact(graph, first, head.dense), domain=domain)
    graph.output("logits", _exact(graph, inner, head.output), TensorProto.FLOAT, ["batch", 1])


def _exact(graph: GraphBuilder, x: str, linear: Linear) -> str:
    product = graph.op("MatMul", x, graph.constant(linear.weight, "weight"))
    return graph.op("Add", product, graph.constant(linear.bias, "bias"))
