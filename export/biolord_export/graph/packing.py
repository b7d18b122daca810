"""Take the padding out of a batch before anything is computed, and put it back where attention needs its shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from biolord_export.graph.builder import GraphBuilder


@dataclass(frozen=True, slots=True)
class Layout:
    """How a batch lies in memory between its layers.

    Attributes:
        packed: Whether its padding is left out. How many tokens are left depends on the data: a GPU waits for the
            number, and no CUDA graph can hold such a run.
        block: The padded length is a multiple of so many tokens.
        starts: Whether attention is told where the rows of a batch start, too.
    """

    packed: bool = True
    block: int = 1
    starts: bool = False


PACKED = Layout()
# onnxruntime's CUDA provider fuses attention with a bias only where rows are multiples of 8 float16 numbers, and a mask
# by lengths only where these come with starts (contrib_ops/cuda/bert/multihead_attention.cc: memory-efficient).
CUDA_PACKED = Layout(block=8, starts=True)
CUDA_PADDED = Layout(packed=False, block=8, starts=True)


@dataclass(frozen=True, slots=True)
class Packing:
    """Names of the values that lead from a padded batch to its tokens and back.

    Attributes:
        batch: int64 [1], texts in the batch.
        sequence: int64 [1], its padded length.
        lengths: int32 [batch], tokens of each text; with starts int32 [3 * batch + 2], behind them where the batch's
            rows of queries start and end, and those of keys.
        kept: int64 [tokens], where each token lies in the flattened batch.
        spread: int64 [batch * sequence], which token fills each place; padding repeats a real one.
        layout: What it is like.
    """

    batch: str
    sequence: str
    lengths: str
    kept: str
    spread: str
    layout: Layout = PACKED

    def pack(self, graph: GraphBuilder, flat: str) -> str:
        """From [batch * sequence, ...] to [tokens, ...]."""
        return graph.op("Gather", flat, self.kept, axis=0) if self.layout.packed else flat

    def unpack(self, graph: GraphBuilder, tokens: str) -> str:
        """From [tokens, dim] to [batch, sequence, dim]; the padding holds some token's values."""
        if self.layout.packed:
            return graph.op("Gather", tokens, self.places(graph), axis=0)
        return graph.op("Reshape", tokens, graph.op("Concat", self.batch, self.sequence, graph.ints(-1), axis=0))

    def first(self, graph: GraphBuilder, tokens: str) -> str:
        """From [tokens, ...] to [batch, ...]: each text's first token."""
        places = graph.op("Gather", self.places(graph), graph.scalar(0, np.int64), axis=1)
        return graph.op("Gather", tokens, places, axis=0)

    def places(self, graph: GraphBuilder) -> str:
        """Yield int64 [batch, sequence], the token that fills each place."""
        return graph.op("Reshape", self.spread, graph.op("Concat", self.batch, self.sequence, axis=0))


def emit_packing(graph: GraphBuilder, attention_mask: str, layout: Layout = PACKED) -> Packing:
    """Derive the packing of a batch from its int64 [batch, sequence] mask, real tokens first in each row."""
    batch = graph.op("Shape", attention_mask, start=0, end=1)
    sequence = graph.op("Shape", attention_mask, start=1, end=2)
    lengths = graph.op("Cast", graph.op("ReduceSum", attention_mask, graph.ints(1), keepdims=0), to=TensorProto.INT32)
    if layout.starts:
        starts = _emit_starts(graph, batch, sequence)
        lengths = graph.op("Concat", lengths, starts, starts, axis=0)
    if not layout.packed:
        places = _emit_range(graph, graph.op("Mul", batch, sequence))
        return Packing(batch, sequence, lengths, places, places, layout)
    flat = graph.op("Reshape", attention_mask, graph.ints(-1))
    before = graph.op("Sub", graph.op("CumSum", flat, graph.scalar(0, np.int64)), graph.scalar(1, np.int64))
    return Packing(
        batch=batch,
        sequence=sequence,
        lengths=lengths,
        kept=graph.op("Squeeze", graph.op("NonZero", flat), graph.ints(0)),
        spread=graph.op("Max", before, graph.scalar(0, np.int64)),
        layout=layout,
    )


def fill_block(graph: GraphBuilder, rows: str, block: int) -> str:
    """Append zeros to int64 [batch, sequence] until its rows are as long as a multiple of the block.

    ``Pad`` would do it in one step, but the CUDA provider has none for whole numbers: rows would go by the CPU.
    """
    sequence = graph.op("Shape", rows, start=1, end=2)
    missing = graph.op("Mod", graph.op("Neg", sequence), graph.ints(block))
    shape = graph.op("Concat", graph.op("Shape", rows, start=0, end=1), missing, axis=0)
    return graph.op("Concat", rows, graph.op("Expand", graph.scalar(0, np.int64), shape), axis=1)


def _emit_starts(graph: GraphBuilder, batch: str, sequence: str) -> str:
    """Yield int32 [batch + 1], where each row of the flattened batch starts, and where the last one ends."""
    rows = _emit_range(graph, graph.op("Add", batch, graph.ints(1)))
    return graph.op("Cast", graph.op("Mul", rows, sequence), to=TensorProto.INT32)


def _emit_range(graph: GraphBuilder, count: str) -> str:
    zero, one = graph.scalar(0, np.int64), graph.scalar(1, np.int64)
    return graph.op("Range", zero, graph.op("Squeeze", count, graph.ints(0)), one)
