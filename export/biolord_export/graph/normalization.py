"""Layer normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import LayerNorm
    from biolord_export.graph.builder import GraphBuilder


def emit_layer_norm(graph: GraphBuilder, x: str, norm: LayerNorm) -> str:
    """Normalize the last axis (Ba et al. 2016).

    A plain ``Add`` before a plain ``LayerNormalization`` is faster on onnxruntime's CPU provider than its fused
    ``SkipLayerNormalization``.
    """
    scale, shift = graph.real(norm.weight, "norm/weight"), graph.real(norm.bias, "norm/bias")
    return graph.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=norm.epsilon)
