"""The token table in 4 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto

from biolord_export.graph.builder import DATA_FILE, GraphBuilder
from biolord_export.quantise.block import BLOCK
from biolord_export.quantise.table4 import MIDDLE, ROWS, Int4Table, round_table4
from unit.export.graph.running import evaluate
from unit.export.quantise.block_inputs import random, relative


def nearest(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round each block with the scale that its largest value asks for, without a search."""
    blocks = table.reshape(len(table), -1, BLOCK)
    scales = np.abs(blocks).max(axis=2, keepdims=True) / 7
    return np.asarray((np.rint(blocks / scales) * scales).reshape(table.shape), dtype=np.float32)


@pytest.mark.parametrize("dim", [32, 64, 96])
def test_a_look_up_gives_the_dense_rows(dim: int) -> None:
    """Onnxruntime reads the packed codes and scales of any token, in any order, as ``dense`` does."""
    table = round_table4(random(50, dim))
    graph = GraphBuilder("test")
    value = table.emit(graph, graph.input("ids", TensorProto.INT64, ["tokens"]))
    ids = np.array([49, 0, 7, 7, 23], dtype=np.int64)
    (found,) = evaluate(graph, {"ids": ids}, value)
    assert found.dtype == np.float32
    assert np.array_equal(found, table.dense()[ids])


def test_searching_the_scale_beats_the_largest_value() -> None:
    """The squared error is smaller than with the range that nothing is clipped by."""
    table = random(200, 64)
    assert relative(round_table4(table).dense(), table) < 0.92 * relative(nearest(table), table)


@given(st.lists(st.integers(-8, 7), min_size=BLOCK, max_size=BLOCK), st.floats(1e-3, 1e3))
def test_values_on_a_grid_that_reaches_its_end_come_back(steps: list[int], scale: float) -> None:
    """A block of multiples of a scale, the end of the grid among them, is kept but for float32's rounding."""
    values = np.array([[-8, *steps[1:]]], dtype=np.float32) * np.float32(scale)
    assert np.allclose(round_table4(values).dense(), values, rtol=1e-5, atol=1e-6 * scale)


def test_a_row_of_zeros_comes_back() -> None:
    """A padding token's vector is often all 0."""
    assert not round_table4(np.zeros((3, 64), dtype=np.float32)).dense().any()


def test_rows_are_rounded_alike_wherever_they_stand() -> None:
    """A vocabulary of more rows than are rounded at once gives each row what it gets alone."""
    rows = random(ROWS + 3, BLOCK)
    whole = round_table4(rows)
    last = round_table4(rows[-2:])
    assert whole.codes.shape == rows.shape
    assert np.array_equal(whole.codes[-2:], last.codes)
    assert np.array_equal(whole.scales[-2:], last.scales)


def test_nbytes_is_what_the_artefact_grows_by(tmp_path: Path) -> None:
    """Half a byte a value and four for each block."""
    table = Int4Table(np.full((4096, 32), MIDDLE, dtype=np.uint8), random(4096, 1))
    graph = GraphBuilder("test")
    value = table.emit(graph, graph.input("ids", TensorProto.INT64, ["tokens"]))
    graph.output("y", value, TensorProto.FLOAT, ["tokens", 32])
    graph.save(tmp_path)
    assert table.nbytes == 4096 * 20
    assert (tmp_path / DATA_FILE).stat().st_size == table.nbytes
