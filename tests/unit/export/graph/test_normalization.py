"""Layer normalization against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from biolord_export.checkpoint.weights import LayerNorm
from biolord_export.graph.builder import GraphBuilder
from biolord_export.graph.normalization import emit_layer_norm
from parity.reference import layer_norm
from unit.export.graph.running import evaluate

DIM = 48
RANDOM = np.random.default_rng(11)
SCALE = RANDOM.normal(1, 0.3, DIM).astype(np.float32)
SHIFT = RANDOM.normal(0, 0.3, DIM).astype(np.float32)


def run(x: NDArray[np.float32], epsilon: float) -> NDArray[np.float32]:
    """Normalize rows in the graph."""
    graph = GraphBuilder("test")
    value = emit_layer_norm(
        graph, graph.input("x", TensorProto.FLOAT, ["tokens", DIM]), LayerNorm(SCALE, SHIFT, epsilon)
    )
    return np.asarray(evaluate(graph, {"x": x}, value)[0], dtype=np.float32)


@pytest.mark.parametrize("epsilon", [1e-5, 1e-12])
@pytest.mark.parametrize("spread", [1e-2, 1.0, 100.0])
def test_rows_are_normalized(epsilon: float, spread: float) -> None:
    """Each row loses its mean and its spread, and takes scale and shift."""
    x = (RANDOM.normal(0.5, 1, (7, DIM)) * spread).astype(np.float32)
    expected = layer_norm(x.astype(np.float64), SCALE.astype(np.float64), SHIFT.astype(np.float64), epsilon)
    np.testing.assert_allclose(run(x, epsilon), expected, atol=5e-6)


def test_the_epsilon_is_that_of_the_weights() -> None:
    """On rows that hardly vary, MPNet's epsilon and BERT's give different results."""
    x = RANDOM.normal(0, 1e-3, (3, DIM)).astype(np.float32)
    assert np.abs(run(x, 1e-5) - run(x, 1e-12)).max() > 0.1


def test_a_row_of_equal_numbers_becomes_the_shift() -> None:
    """Nothing is divided by zero."""
    np.testing.assert_array_equal(run(np.full((2, DIM), 2, np.float32), 1e-12), np.tile(SHIFT, (2, 1)))
