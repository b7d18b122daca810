"""The inner channels of a feed-forward network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.graph.builder import MICROSOFT

if TYPE_CHECKING:
    from biolord_export.graph.builder import GraphBuilder


def emit_inner(graph: GraphBuilder, expanded: str, *, gated: bool) -> str:
    """Apply GELU; of gated channels (GeGLU, Shazeer 2020), the second half of what comes in multiplies it."""
    if not gated:
        return graph.op("Gelu", expanded, domain=MICROSOFT)
    channels, gates = graph.op_many("Split", expanded, outputs=2, axis=-1, num_outputs=2)
    return graph.op("Mul", graph.op("Gelu", channels, domain=MICROSOFT), gates)
