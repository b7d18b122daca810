"""The token table in 8 bits, one scale for each token and block of its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biolord_export.checkpoint.weights import Float32
    from biolord_export.graph.builder import GraphBuilder

LARGEST = 127
BLOCK = 64
"""Numbers of a token that share a scale. Punctuation and special tokens carry single numbers many times the rest, which
would leave nothing for their neighbors."""
ROWS = 4096
"""Tokens rounded at once: a multilingual table takes most of a gigabyte, and its rounding shouldn't take more."""


HALF = np.finfo(np.float16)


@dataclass(frozen=True, slots=True)
class Int8Table:
    """int8 [vocabulary, dim] and its scales [vocabulary, blocks]; only the rows that a batch looks up are widened.

    Scales are float16 where that holds them all: in a multilingual table they take as much as a sixteenth of the codes
    otherwise, and values are rounded to whatever the scale became, so that nothing is lost by it.
    """

    values: NDArray[np.int8]
    scales: NDArray[np.floating[Any]]

    def emit(self, graph: GraphBuilder, ids: str) -> str:
        """Add the look-up of rows and of their scales."""
        dim, blocks = self.values.shape[1], self.scales.shape[1]
        rows = graph.op("Gather", graph.constant(self.values, "tokens"), ids, axis=0)
        scales = graph.op("Gather", graph.constant(self.scales, "tokens/scales"), ids, axis=0)
        split = graph.op("Reshape", graph.op("Cast", rows, to=TensorProto.FLOAT), graph.ints(-1, blocks, dim // blocks))
        if self.scales.dtype == np.float16:
            scales = graph.op("Cast", scales, to=TensorProto.FLOAT)
        scaled = graph.op("Mul", split, graph.op("Unsqueeze", scales, graph.ints(2)))
        return graph.op("Reshape", scaled, graph.ints(-1, dim))


def round_table(table: Float32) -> Int8Table:
    """Round float32 [vocabulary, dim] to the nearest multiples of each block's scale.

    Where the block doesn't divide ``dim``, a token's whole row shares a scale.
    """
    vocabulary, dim = table.shape
    blocks = dim // BLOCK if dim % BLOCK == 0 else 1
    slices = [slice(start, start + ROWS) for start in range(0, vocabulary, ROWS)]
    scales = _shorten(np.concatenate([_scales(table[rows].reshape(-1, blocks, dim // blocks)) for rows in slices]))
    values = np.empty((vocabulary, dim), dtype=np.int8)
    for rows in slices:
        split = table[rows].reshape(-1, blocks, dim // blocks)
        values[rows] = np.rint(split / scales[rows, :, np.newaxis].astype(np.float32)).reshape(-1, dim)
    return Int8Table(values, scales)


def _scales(blocks: Float32) -> Float32:
    """Return what makes the largest number of each block 127; any scale does for a block of zeros."""
    largest = np.abs(blocks).max(axis=2)
    return np.where(largest > 0, np.maximum(largest / np.float32(LARGEST), np.finfo(np.float32).tiny), np.float32(1))


def _shorten(scales: Float32) -> NDArray[np.floating[Any]]:
    fits = HALF.smallest_normal <= scales.min() and scales.max() <= HALF.max
    return scales.astype(np.float16) if fits else scales
