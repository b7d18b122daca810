"""The token table in 8 bits."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from onnx import TensorProto

from biolord_export.graph.builder import GraphBuilder
from biolord_export.quantise.tables import BLOCK, ROWS, round_table
from unit.export.graph.running import evaluate
from unit.export.quantise.block_inputs import random


@pytest.mark.parametrize(("dim", "scales"), [(64, 1), (192, 3), (48, 1), (100, 1)])
def test_a_look_up_gives_rows_within_half_a_step(dim: int, scales: int) -> None:
    """One scale for each block of 64, or for the row where blocks don't fit; onnxruntime widens what is looked up."""
    rows = random(50, dim)
    table = round_table(rows)
    assert table.scales.shape == (50, scales)
    graph = GraphBuilder("test")
    value = table.emit(graph, graph.input("ids", TensorProto.INT64, ["tokens"]))
    ids = np.array([49, 0, 7, 7, 23], dtype=np.int64)
    (found,) = evaluate(graph, {"ids": ids}, value)
    steps = np.repeat(table.scales, dim // scales, axis=1)[ids]
    assert (np.abs(found - rows[ids]) <= steps * 0.501).all()


def test_rows_are_rounded_alike_wherever_they_stand() -> None:
    """A vocabulary of more rows than are rounded at once gives each row what it gets alone."""
    rows = random(2 * ROWS + 3, BLOCK)
    whole, last = round_table(rows), round_table(rows[-5:])
    assert whole.values.shape == rows.shape
    assert np.array_equal(whole.values[-5:], last.values)
    assert np.array_equal(whole.scales[-5:], last.scales)


def test_rounding_takes_no_copy_of_the_table() -> None:
    """A multilingual table is most of a gigabyte: beside the result only some rows' worth is held."""
    rows = random(16 * ROWS, BLOCK)
    tracemalloc.start()
    table = round_table(rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - table.values.nbytes - table.scales.nbytes < rows.nbytes / 3


def test_a_row_of_zeros_comes_back() -> None:
    """A padding token's vector is often all 0."""
    assert not round_table(np.zeros((3, 64), dtype=np.float32)).values.any()
