"""The token table in 8 bits."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto

from biolord_export.graph.builder import GraphBuilder
from biolord_export.quantize.tables import BLOCK, ROWS, Int8Table, round_table
from unit.export.graph.running import evaluate
from unit.export.quantize.block_inputs import random

IDS = np.array([49, 0, 7, 7, 23], dtype=np.int64)


def look_up(table: Int8Table, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Read rows in onnxruntime."""
    graph = GraphBuilder("test")
    value = table.emit(graph, graph.input("ids", TensorProto.INT64, ["tokens"]))
    (found,) = evaluate(graph, {"ids": ids}, value)
    return np.asarray(found, dtype=np.float32)


def steps(table: Int8Table) -> NDArray[np.float32]:
    """Spread the scales over the numbers they belong to."""
    return np.repeat(table.scales.astype(np.float32), table.values.shape[1] // table.scales.shape[1], axis=1)


@pytest.mark.parametrize(("dim", "blocks"), [(BLOCK, 1), (2 * BLOCK, 2), (3 * BLOCK, 3), (96, 1), (40, 1)])
def test_a_look_up_is_within_half_a_step_of_the_table(dim: int, blocks: int) -> None:
    """Onnxruntime reads any token, in any order, as integers times the scales of their blocks."""
    exact = random(50, dim)
    table = round_table(exact)
    found = look_up(table, IDS)
    assert (table.values.dtype, table.scales.dtype) == (np.dtype(np.int8), np.dtype(np.float16))
    assert table.scales.shape == (50, blocks)
    assert np.array_equal(found, (table.values * steps(table))[IDS])
    assert (np.abs(found - exact[IDS]) <= steps(table)[IDS] * 0.5001).all()


@pytest.mark.parametrize("size", [1e-6, 1e9])
def test_scales_that_float16_has_no_room_for_stay_in_float32(size: float) -> None:
    """Neither the steps of tiny numbers nor those of huge ones are spoiled."""
    exact = random(50, BLOCK) * np.float32(size)
    table = round_table(exact)
    assert table.scales.dtype == np.float32
    assert np.array_equal(look_up(table, IDS), (table.values * steps(table))[IDS])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 9), st.integers(1, 200), st.floats(1e-20, 1e20))
def test_every_number_goes_to_the_nearest_step(vocabulary: int, dim: int, size: float) -> None:
    """No number is off by more than half of its block's step, and the block's largest is a whole one."""
    exact = random(vocabulary, dim) * np.float32(size)
    table = round_table(exact)
    assert table.values.shape == exact.shape
    assert (np.abs(table.values * steps(table) - exact) <= steps(table) * 0.5001).all()
    assert np.abs(table.values).max(axis=1).tolist() == [127] * vocabulary


def test_a_large_number_coarsens_its_own_block_alone() -> None:
    """The rest of that token's row, and all other tokens, keep their steps."""
    exact = random(5, 3 * BLOCK)
    outlier = exact.copy()
    outlier[2, BLOCK + 3] = 1000
    before, after = round_table(exact), round_table(outlier)
    changed = before.scales != after.scales
    assert np.argwhere(changed).tolist() == [[2, 1]]
    assert after.scales[2, 1] == pytest.approx(1000 / 127, rel=1e-3)
    same = np.repeat(~changed, BLOCK, axis=1)
    assert np.array_equal(after.values[same], before.values[same])


def test_a_width_that_no_block_divides_shares_a_scale_in_a_row() -> None:
    """A token's largest number, wherever it stands, sets the step of all its numbers."""
    exact = random(4, BLOCK + 32)
    assert np.allclose(round_table(exact).scales[:, 0], np.abs(exact).max(axis=1) / 127, rtol=1e-3)


def test_a_row_of_zeros_comes_back() -> None:
    """A padding token's vector is often all 0; its scale is no 0, and it is read as 0."""
    exact = random(50, BLOCK)
    exact[7] = 0
    table = round_table(exact)
    assert (table.scales > 0).all()
    found = look_up(table, IDS)
    assert not found[2:4].any()
    assert found[[0, 1, 4]].any(axis=1).all()


def test_a_table_s_own_values_come_back() -> None:
    """Rounding what was read changes nothing."""
    table = round_table(random(20, 2 * BLOCK))
    again = round_table(table.values * steps(table))
    assert np.array_equal(again.values, table.values)
    assert np.allclose(again.scales, table.scales)


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
