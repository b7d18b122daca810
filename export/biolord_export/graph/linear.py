"""Linear layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import Linear
    from biolord_export.graph.builder import GraphBuilder


def emit_linear(graph: GraphBuilder, x: str, linear: Linear) -> str:
    """Add the product and the bias, if there is any, in the graph's own floating-point format.

    From [..., inputs] to [..., outputs].
    """
    product = graph.op("MatMul", x, graph.real(linear.weight, "weight"))
    if not np.any(linear.bias):
        return product
    return graph.op("Add", product, graph.real(linear.bias, "bias"))
