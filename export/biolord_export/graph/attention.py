"""Self-attention over packed tokens, with an optional bias by relative position, or with rotary positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.graph.builder import MICROSOFT
from biolord_export.graph.linear import emit_linear
from biolord_export.graph.rotary import Turn, emit_turn, emit_window

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import EncoderWeights, Layer
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.graph.packing import Packing


@dataclass(frozen=True, slots=True)
class Attention:
    """What a layer's attention is besides its weights.

    Attributes:
        heads: How many.
        dim: Their channels together.
        packing: Of the batch.
        bias: Added to the scores, of the batch's length; empty for none.
        turn: What positions do to queries and keys; None for nothing.
    """

    heads: int
    dim: int
    packing: Packing
    bias: str
    turn: Turn | None = None

    def emit(self, graph: GraphBuilder, hidden: str, layer: Layer) -> tuple[str, str]:
        """Attend to the tokens of the same text: from float32 [tokens, dim] to float32 [tokens, dim].

        Queries, keys and values come out of products of their own, which write them where they are read: cut out of
        one product, and unpacked after it, they would be copied twice, in four bytes a number.

        Returns:
            What the layer yields, and what enters its output projection, float32 [batch * sequence, dim].
        """
        thirds = [layer.qkv.outputs(slice(start, start + self.dim)) for start in range(0, 3 * self.dim, self.dim)]
        places = self.packing.unpack(graph, hidden)
        query, key, value = (emit_linear(graph, places, third) for third in thirds)
        if self.turn:
            query, key = self.turn.emit(graph, query), self.turn.emit(graph, key)
        inputs = [query, key, value, "", self.packing.lengths, self.bias]
        mixed = graph.op(
            "MultiHeadAttention",
            *(inputs if self.bias else inputs[:5]),
            domain=MICROSOFT,
            num_heads=self.heads,
        )
        flat = graph.op("Reshape", mixed, graph.ints(-1, self.dim))
        return emit_linear(graph, self.packing.pack(graph, flat), layer.attention_output), flat


def emit_attentions(graph: GraphBuilder, weights: EncoderWeights, packing: Packing) -> list[Attention]:
    """Prepare the attention of each layer; what several share is computed once a run."""
    if weights.modern is None:
        bias = _emit_bias(graph, weights, packing) if weights.relative_bias is not None else ""
        return [Attention(weights.heads, weights.dim, packing, bias)] * len(weights.layers)
    return [
        Attention(
            weights.heads,
            weights.dim,
            packing,
            "" if reach.window is None else emit_window(graph, packing, reach.window),
            emit_turn(graph, weights, reach),
        )
        for reach in weights.modern.reaches
    ]


def _emit_bias(graph: GraphBuilder, weights: EncoderWeights, packing: Packing) -> str:
    """Read float32 [1, heads, sequence, sequence] out of the table by distance."""
    one, zero = graph.scalar(1, np.int64), graph.scalar(0, np.int64)
    index = graph.op("Range", zero, graph.op("Squeeze", packing.sequence), one)
    keys, queries = graph.op("Unsqueeze", index, graph.ints(0)), graph.op("Unsqueeze", index, graph.ints(1))
    distance = graph.op("Sub", keys, queries)
    if packing.layout.block > 1:  # the padding may reach further than any text
        far = weights.max_positions - 1
        distance = graph.op("Max", graph.op("Min", distance, graph.scalar(far, np.int64)), graph.scalar(-far, np.int64))
    row = graph.op("Add", distance, graph.scalar(weights.max_positions - 1, np.int64))
    # With the heads of a distance side by side, a look-up copies them at once; number by number it would take long
    # enough to be felt in a run of a few hundred tokens.
    table = graph.real(np.ascontiguousarray(np.asarray(weights.relative_bias).T), "relative_bias")
    by_head = graph.op("Transpose", graph.op("Gather", table, row, axis=0), perm=(2, 0, 1))
    return graph.op("Unsqueeze", by_head, graph.ints(0))
