"""Hidden rows to a text's vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto

from biolord_onnx.graph.compiled_operators import DOMAIN

if TYPE_CHECKING:
    from biolord_export.checkpoint.modules import Pooling
    from biolord_export.kernels.builder import KernelGraph

FIRST_TOKEN = {"mean": 0, "cls": 1}
"""Whether a text's vector is that of its first token, by the mode of the pooling."""


def emit_pool(graph: KernelGraph, hidden: str, starts: str, pooling: Pooling, dim: int) -> None:
    """Add the node and the graph's two outputs, float32 [batch, dim]."""
    first_token = FIRST_TOKEN[pooling.mode]
    pooled, unit = graph.op_many("Pool", hidden, starts, outputs=2, domain=DOMAIN, first_token=first_token)
    for name, value in (("sentence_embedding", unit if pooling.normalize else pooled), ("unit_embedding", unit)):
        graph.output(name, value, TensorProto.FLOAT, ["batch", dim])
