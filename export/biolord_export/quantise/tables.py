"""The token table in 8 bits, one scale for each token and block of its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.weights import Float32

LARGEST = 127
BLOCK = 64
"""Numbers of a token that share a scale. Punctuation and special tokens carry single numbers many times the rest, which
would leave nothing for their neighbours."""
ROWS = 4096
"""Tokens rounded at once: a multilingual table takes most of a gigabyte, and its rounding shouldn't take more."""


@dataclass(frozen=True)
class Int8Table:
    """int8 [vocabulary, dim] and float32 [vocabulary, blocks]; only the rows that a batch looks up are widened."""

    values: NDArray[np.int8]
    scales: Float32

    def emit(self, graph: GraphBuilder, ids: str) -> str:
        """Add the look-up of rows and of their scales."""
        dim, blocks = self.values.shape[1], self.scales.shape[1]
        rows = graph.op("Gather", graph.constant(self.values, "tokens"), ids, axis=0)
        scales = graph.op("Gather", graph.constant(self.scales, "tokens/scales"), ids, axis=0)
        split = graph.op("Reshape", graph.op("Cast", rows, to=TensorProto.FLOAT), graph.ints(-1, blocks, dim // blocks))
        scaled = graph.op("Mul", split, graph.op("Unsqueeze", scales, graph.ints(2)))
        return graph.op("Reshape", scaled, graph.ints(-1, dim))


def round_table(table: Float32) -> Int8Table:
    """Round float32 [vocabulary, dim] to the nearest multiples of each block's scale.

    Where the block doesn't divide ``dim``, a token's whole row shares a scale.
    """
    vocabulary, dim = table.shape
    blocks = dim // BLOCK if dim % BLOCK == 0 else 1
    values = np.empty((vocabulary, dim), dtype=np.int8)
    scales = np.empty((vocabulary, blocks), dtype=np.float32)
    for start in range(0, vocabulary, ROWS):
        rows = slice(start, start + ROWS)
        values[rows], scales[rows] = _round_rows(table[rows], blocks)
    return Int8Table(values, scales)


def _round_rows(rows: Float32, count: int) -> tuple[NDArray[np.int8], Float32]:
    blocks = rows.reshape(len(rows), count, -1)
    largest = np.abs(blocks).max(axis=2, keepdims=True)
    scales = np.maximum(largest / np.float32(LARGEST), np.finfo(np.float32).tiny).astype(np.float32)
    return np.rint(blocks / scales).astype(np.int8).reshape(rows.shape), scales[..., 0]
