"""Token ids to the first hidden rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biolord_export.kernels.packing import pack_linear
from biolord_onnx.graph.compiled_operators import DOMAIN

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import EncoderWeights
    from biolord_export.kernels.builder import KernelGraph
    from biolord_export.kernels.layers import IntegerEncoder

COUNT_ALL = -1
"""The ``pad_id`` of an encoder that gives every token the position of its index."""


def emit_embed(
    graph: KernelGraph, weights: EncoderWeights, encoder: IntegerEncoder, values: tuple[str, ...], longest: int
) -> tuple[str, str]:
    """Look tokens up, add their positions, normalize, and project what is shorter than the hidden rows.

    Args:
        graph: Where to.
        weights: For what isn't rounded.
        encoder: For the table.
        values: Ids and mask, and token types if the encoder has them, int64 [batch, sequence] each.
        longest: Positions to keep: texts have so many tokens at most.

    Returns:
        The hidden rows, float32 [tokens, dim], and where each text begins, int32 [batch + 1].
    """
    norm, types = weights.embedding_norm, weights.token_types
    if weights.modern:
        hidden, starts = graph.op_many(
            "EmbedTokens",
            *values,
            graph.constant(encoder.table, "tokens"),
            graph.constant(encoder.table_scales, "tokens/scales"),
            graph.norm(norm),
            outputs=2,
            domain=DOMAIN,
            epsilon=norm.epsilon,
        )
        return hidden, starts
    hidden, starts = graph.op_many(
        "Embed" if types is None else "EmbedPairs",
        *values,
        graph.constant(encoder.table, "tokens"),
        graph.constant(encoder.table_scales, "tokens/scales"),
        graph.constant(weights.position_embeddings[: weights.first_position + longest], "positions"),
        graph.norm(norm),
        *(() if types is None else (graph.constant(types, "token_types"),)),
        outputs=2,
        domain=DOMAIN,
        epsilon=norm.epsilon,
        first_position=weights.first_position,
        pad_id=weights.pad_id if weights.positions == "non_pad" else COUNT_ALL,
    )
    return _emit_projection(graph, hidden, encoder), starts


def _emit_projection(graph: KernelGraph, hidden: str, encoder: IntegerEncoder) -> str:
    if encoder.projection is None:
        return hidden
    as_it_is = np.stack([np.ones(len(encoder.projection.values)), np.zeros(len(encoder.projection.values))])
    return graph.op(
        "Project",
        hidden,
        graph.constant(as_it_is.astype(np.float32), "projection/smoothing"),
        *graph.layer(pack_linear(encoder.projection), "projection"),
        domain=DOMAIN,
    )
