"""The token table in 4 bits, one scale for every 32 channels of a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.graph.builder import MICROSOFT
from biolord_export.quantise.block import BLOCK, pack_codes, split_blocks

if TYPE_CHECKING:
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.quantise.block import UInt8
    from biolord_export.weights import Float32

MIDDLE = 8
"""The code of 0; below it there is one step more than above."""
SHRINKS = tuple(np.linspace(1.05, 0.7, 8, dtype=np.float32))
"""Shares of a block's largest value that are tried as the grid's end."""
ROWS = 4096
"""Tokens rounded at once."""


@dataclass(frozen=True)
class Int4Table:
    """``(codes - MIDDLE) * scales`` approximates a table, whose dim is a multiple of the block.

    Attributes:
        codes: uint8 [vocabulary, dim].
        scales: float32 [vocabulary, dim / BLOCK]; negative where a block's largest value is positive.
    """

    codes: UInt8
    scales: Float32

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in an artefact."""
        return self.codes.size // 2 + self.scales.nbytes

    def dense(self) -> Float32:
        """Return the float32 [vocabulary, dim] table that is really looked up."""
        return (self.codes.astype(np.float32) - MIDDLE) * np.repeat(self.scales, BLOCK, axis=1)

    def emit(self, graph: GraphBuilder, ids: str) -> str:
        """Add the look-up; codes without the attribute ``bits`` are 4 bits wide, in every onnxruntime."""
        return graph.op(
            "GatherBlockQuantized",
            graph.constant(pack_codes(self.codes, 4), "tokens"),
            ids,
            graph.constant(self.scales, "tokens/scales"),
            domain=MICROSOFT,
            gather_axis=0,
            quantize_axis=1,
            block_size=BLOCK,
        )


def round_table4(table: Float32) -> Int4Table:
    """Round each block to the nearest multiples of the scale that leaves it the smallest squared error."""
    vocabulary, dim = table.shape
    codes = np.empty((vocabulary, dim), dtype=np.uint8)
    scales = np.empty((vocabulary, dim // BLOCK), dtype=np.float32)
    for start in range(0, vocabulary, ROWS):
        rows = slice(start, start + ROWS)
        codes[rows], scales[rows] = _round_rows(table[rows])
    return Int4Table(codes, scales)


def _round_rows(rows: Float32) -> tuple[UInt8, Float32]:
    blocks = split_blocks(rows)
    ends = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2, keepdims=True), axis=2)
    ends = np.where(ends == 0, 1, ends)
    losses, scales = [], []
    for shrink in SHRINKS:
        scale = ends * shrink / -MIDDLE
        losses.append(np.square(_steps(blocks, scale) * scale - blocks).sum(axis=2))
        scales.append(scale)
    best = np.argmin(losses, axis=0)[np.newaxis, ..., np.newaxis]
    scale = np.take_along_axis(np.stack(scales), best, axis=0)[0]
    codes = (_steps(blocks, scale) + MIDDLE).astype(np.uint8)
    return codes.reshape(rows.shape), scale[..., 0].astype(np.float32)


def _steps(blocks: Float32, scale: Float32) -> Float32:
    return np.asarray(np.clip(np.rint(blocks / scale), -MIDDLE, MIDDLE - 1))
