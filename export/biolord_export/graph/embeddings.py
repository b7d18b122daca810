"""Token vectors plus position vectors, normalized: the input of the first layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from biolord_export.graph.linear import emit_linear
from biolord_export.graph.normalization import emit_layer_norm

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import EncoderWeights
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.graph.packing import Packing


def emit_embeddings(
    graph: GraphBuilder, weights: EncoderWeights, packing: Packing, input_ids: str, token_types: str = ""
) -> str:
    """Yield float32 [tokens, dim] for the packed tokens of int64 [batch, sequence] ids, and types if there are any."""
    ids = packing.pack(graph, graph.op("Reshape", input_ids, graph.ints(-1)))
    hidden = graph.op("Gather", graph.real(weights.word_embeddings, "tokens"), ids, axis=0)
    if weights.modern is None:
        positions = _POSITION_RULES[weights.positions](graph, weights, packing, input_ids)
        if not packing.layout.packed:  # the padding may reach further than any text
            last = len(weights.position_embeddings) - 1
            positions = graph.op("Min", positions, graph.scalar(last, np.int64))
        places = graph.op("Gather", graph.real(weights.position_embeddings, "positions"), positions, axis=0)
        hidden = graph.op("Add", hidden, places)
    if weights.token_types is not None:
        types = packing.pack(graph, graph.op("Reshape", token_types, graph.ints(-1)))
        rows = graph.op("Gather", graph.real(weights.token_types, "token_types"), types, axis=0)
        hidden = graph.op("Add", hidden, rows)
    hidden = emit_layer_norm(graph, hidden, weights.embedding_norm)
    return emit_linear(graph, hidden, weights.projection) if weights.projection else hidden


def _by_index(graph: GraphBuilder, weights: EncoderWeights, packing: Packing, input_ids: str) -> str:
    index = graph.op("Mod", packing.kept, packing.sequence)
    return graph.op("Add", index, graph.scalar(weights.first_position, np.int64)) if weights.first_position else index


def _by_count(graph: GraphBuilder, weights: EncoderWeights, packing: Packing, input_ids: str) -> str:
    # A text may spell the padding token out: it is attended to, but takes the row before the first position.
    padding = graph.op("Equal", input_ids, graph.scalar(weights.pad_id, np.int64))
    real = graph.op("Cast", graph.op("Not", padding), to=TensorProto.INT64)
    counted = graph.op("Mul", graph.op("CumSum", real, graph.scalar(1, np.int64)), real)
    rows = graph.op("Add", counted, graph.scalar(weights.first_position - 1, np.int64))
    return packing.pack(graph, graph.op("Reshape", rows, graph.ints(-1)))


_POSITION_RULES = {"index": _by_index, "non_pad": _by_count}
