"""Linear layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import Linear
    from biolord_export.graph.builder import GraphBuilder


def emit_linear(graph: GraphBuilder, x: str, linear: Linear) -> str:
    """Add the product and the bias, in the graph's own floating-point format: from [..., inputs] to [..., outputs]."""
    product = graph.op("MatMul", x, graph.real(linear.weight, "weight"))
    return graph.op("Add", product, graph.real(linear.bias, "bias"))
