"""The token table in 8 bits, one scale for each token."""

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


@dataclass(frozen=True)
class Int8Table:
    """int8 [vocabulary, dim] and float32 [vocabulary, 1]; only the rows that a batch looks up are widened."""

    values: NDArray[np.int8]
    scales: Float32

    def emit(self, graph: GraphBuilder, ids: str) -> str:
        """Add the look-up of rows and of their scales."""
        rows = graph.op("Gather", graph.constant(self.values, "tokens"), ids, axis=0)
        scales = graph.op("Gather", graph.constant(self.scales, "tokens/scales"), ids, axis=0)
        return graph.op("Mul", graph.op("Cast", rows, to=TensorProto.FLOAT), scales)


def round_table(table: Float32) -> Int8Table:
    """Round each token's vector to the nearest multiple of its own scale."""
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True) / LARGEST, np.finfo(np.float32).tiny)
    return Int8Table(np.rint(table / scales).astype(np.int8), scales.astype(np.float32))
