"""Rotary positions, and attention that sees only near tokens, in stock operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from biolord_export.graph.builder import MICROSOFT

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import EncoderWeights, Reach
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.graph.packing import Packing

HIDDEN_SCORE = -10_000.0
"""Added to the score of a key that is too far away: exp of it is 0, and float16 holds it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Names of the tables that positions turn queries and keys by, [positions, head width / 2]."""

    heads: int
    cosines: str
    sines: str

    def emit(self, graph: GraphBuilder, x: str) -> str:
        """Turn [batch, sequence, dim] by each token's place in its text."""
        return graph.op(
            "RotaryEmbedding", x, graph.ints(0), self.cosines, self.sines, domain=MICROSOFT, num_heads=self.heads
        )


def emit_turn(graph: GraphBuilder, weights: EncoderWeights, reach: Reach) -> Turn:
    """Add the tables of a layer."""
    cosines, sines = reach.turns(weights.max_positions, weights.head_width)
    return Turn(weights.heads, graph.real(cosines, "rotary/cosines"), graph.real(sines, "rotary/sines"))


def emit_window(graph: GraphBuilder, packing: Packing, window: int) -> str:
    """Add what hides keys more than a window away from a query: [1, 1, sequence, sequence]."""
    zero, one = graph.scalar(0, np.int64), graph.scalar(1, np.int64)
    index = graph.op("Range", zero, graph.op("Squeeze", packing.sequence), one)
    keys, queries = graph.op("Unsqueeze", index, graph.ints(0)), graph.op("Unsqueeze", index, graph.ints(1))
    distance = graph.op("Abs", graph.op("Sub", keys, queries))
    near = graph.op("Less", distance, graph.scalar(window + 1, np.int64))
    bias = graph.op("Where", near, graph.scalar(0.0), graph.scalar(HIDDEN_SCORE))
    hidden = bias if graph.floats.hidden is np.float32 else graph.op("Cast", bias, to=TensorProto.FLOAT16)
    return graph.op("Unsqueeze", hidden, graph.ints(0, 1))
