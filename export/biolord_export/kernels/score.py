"""Hidden rows to a pair's score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto

from biolord_onnx.graph.compiled_operators import DOMAIN

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import Head
    from biolord_export.kernels.builder import KernelGraph

ACTIVATIONS = {"tanh": 0, "gelu": 1, "relu": 2}
"""The operator's numbers of what stands between the two layers."""


def emit_score(graph: KernelGraph, hidden: str, starts: str, head: Head) -> None:
    """Add the node and the graph's output ``logits``, float32 [batch, 1]."""
    logits = graph.op(
        "Score",
        hidden,
        starts,
        graph.constant(head.dense.weight, "head/dense"),
        graph.constant(head.dense.bias, "head/dense/bias"),
        graph.constant(head.output.weight[:, 0], "head/output"),
        graph.constant(head.output.bias, "head/output/bias"),
        domain=DOMAIN,
        activation=ACTIVATIONS[head.activation],
    )
    graph.output("logits", logits, TensorProto.FLOAT, ["batch", 1])
