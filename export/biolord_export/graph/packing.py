"""Take the padding out of a batch before anything is computed, and put it back where attention needs its shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from biolord_export.graph.builder import GraphBuilder


@dataclass(frozen=True, slots=True)
class Packing:
    """Names of the values that lead from a padded batch to its tokens and back.

    Attributes:
        batch: int64 [1], texts in the batch.
        sequence: int64 [1], its padded length.
        lengths: int32 [batch], tokens of each text.
        kept: int64 [tokens], where each token lies in the flattened batch.
        spread: int64 [batch * sequence], which token fills each place; padding repeats a real one.
    """

    batch: str
    sequence: str
    lengths: str
    kept: str
    spread: str

    def pack(self, graph: GraphBuilder, flat: str) -> str:
        """From [batch * sequence, ...] to [tokens, ...]."""
        return graph.op("Gather", flat, self.kept, axis=0)

    def unpack(self, graph: GraphBuilder, tokens: str) -> str:
        """From [tokens, ...] to [batch, sequence, ...]; the padding holds some token's values."""
        return graph.op("Gather", tokens, self.places(graph), axis=0)

    def first(self, graph: GraphBuilder, tokens: str) -> str:
        """From [tokens, ...] to [batch, ...]: each text's first token."""
        places = graph.op("Gather", self.places(graph), graph.scalar(0, np.int64), axis=1)
        return graph.op("Gather", tokens, places, axis=0)

    def places(self, graph: GraphBuilder) -> str:
        """Yield int64 [batch, sequence], the token that fills each place."""
        return graph.op("Reshape", self.spread, graph.op("Concat", self.batch, self.sequence, axis=0))


def emit_packing(graph: GraphBuilder, attention_mask: str) -> Packing:
    """Derive the packing of a batch from its int64 [batch, sequence] mask, real tokens first in each row."""
    flat = graph.op("Reshape", attention_mask, graph.ints(-1))
    lengths = graph.op("ReduceSum", attention_mask, graph.ints(1), keepdims=0)
    before = graph.op("Sub", graph.op("CumSum", flat, graph.scalar(0, np.int64)), graph.scalar(1, np.int64))
    return Packing(
        batch=graph.op("Shape", attention_mask, start=0, end=1),
        sequence=graph.op("Shape", attention_mask, start=1, end=2),
        lengths=graph.op("Cast", lengths, to=TensorProto.INT32),
        kept=graph.op("Squeeze", graph.op("NonZero", flat), graph.ints(0)),
        spread=graph.op("Max", before, graph.scalar(0, np.int64)),
    )
