"""The 8-bit grids of inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto

from biolord_export.graph.builder import GraphBuilder
from biolord_export.quantize.candidates import FLOORS
from biolord_export.quantize.grid import GELU_LOWEST, LEVELS, PerTensorQuantizer, PerTokenQuantizer
from unit.export.graph.running import evaluate
from unit.export.quantize.block_inputs import random

Float32 = NDArray[np.float32]
LITTLE = 1e-4
"""What float32 adds to half a step."""


def static_grid(inputs: int, step: float = 0.03, zero_point: int = 128) -> PerTensorQuantizer:
    """Make a grid whose smoothing is by powers of two, so that dividing is exact however it is done."""
    generator = np.random.default_rng(inputs)
    smooth = (2.0 ** generator.integers(-3, 4, inputs)).astype(np.float32)
    return PerTensorQuantizer(random(inputs, seed=5), smooth, step, zero_point)


def one_channel(step: float, zero_point: int) -> PerTensorQuantizer:
    """Make a grid that neither centers nor smooths."""
    return PerTensorQuantizer(np.zeros(1, np.float32), np.ones(1, np.float32), step, zero_point)


def run_static(grid: PerTensorQuantizer, x: Float32) -> tuple[Float32, NDArray[np.uint8], Float32]:
    """Compute in onnxruntime what a grid normalizes inputs to, the integers, and what these stand for."""
    graph = GraphBuilder("test")
    normalized = grid.emit_normalize(graph, graph.input("x", TensorProto.FLOAT, ["tokens", x.shape[1]]))
    integers, step, zero_point = grid.emit_round(graph, normalized)
    rounded = graph.op("DequantizeLinear", integers, step, zero_point)
    found = evaluate(graph, {"x": x}, normalized, integers, rounded)
    return found[0], found[1], found[2]


def operators(grid: PerTensorQuantizer) -> list[str]:
    """Name the operators that normalizing takes."""
    graph = GraphBuilder("test")
    grid.emit_normalize(graph, graph.input("x", TensorProto.FLOAT, ["tokens", len(grid.smooth)]))
    return [node.op_type for node in graph._nodes]


@pytest.mark.parametrize(("step", "zero_point"), [(0.03, 128), (0.5, 3), (0.001, 250)])
def test_onnxruntime_rounds_inputs_to_the_values_of_a_static_grid(step: float, zero_point: int) -> None:
    """The emitted nodes yield bit for bit what ``normalize`` and ``round`` do, far beyond the grid's ends too."""
    grid = static_grid(24, step, zero_point)
    x = random(40, 24) * np.geomspace(0.01, 100, 40, dtype=np.float32)[:, np.newaxis]
    normalized, integers, rounded = run_static(grid, x)
    assert integers.dtype == np.uint8
    assert np.array_equal(normalized, grid.normalize(x))
    assert np.array_equal(rounded, grid.round(grid.normalize(x)))


def test_normalizing_centers_first_and_smooths_then() -> None:
    """A channel's center is in its own unit, not in that of the smoothed values."""
    grid = PerTensorQuantizer(np.array([1.0, -2.0], np.float32), np.array([4.0, 0.5], np.float32), 1.0, 128)
    x = np.array([[9.0, -1.0]], dtype=np.float32)
    assert grid.normalize(x).tolist() == [[2.0, 2.0]]
    assert run_static(grid, x)[0].tolist() == [[2.0, 2.0]]


def test_normalizing_emits_only_what_changes_something() -> None:
    """A grid that doesn't center or doesn't smooth costs no node for it, and a folded one costs none at all."""
    grid, nothing, alike = static_grid(8), np.zeros(8, np.float32), np.ones(8, np.float32)
    assert operators(grid) == ["Mul", "Add"]
    assert operators(replace(grid, center=nothing)) == ["Mul"]
    assert operators(replace(grid, smooth=alike)) == ["Add"]
    assert operators(replace(grid, center=nothing, smooth=alike)) == []
    assert operators(replace(grid, folded=True)) == []


def test_a_folded_grid_rounds_what_arrives() -> None:
    """Inputs that the layer before has normalized aren't normalized again."""
    grid = static_grid(24)
    x = random(10, 24)
    expected = run_static(grid, x)[1]
    assert np.array_equal(run_static(replace(grid, folded=True), grid.normalize(x))[1], expected)
    assert not np.array_equal(run_static(replace(grid, folded=True), x)[1], expected)


@settings(deadline=None)
@given(st.floats(-1e4, 1e4, width=32), st.floats(0.0078125, 8, width=32), st.integers(0, LEVELS))
def test_a_static_grid_is_half_a_step_off_inside_and_clips_at_its_ends(
    value: float, step: float, zero_point: int
) -> None:
    """Values between 0 and 255 steps from the lowest go to the nearest one, all others to the end on their side."""
    rounded = float(one_channel(step, zero_point).round(np.array([[value]], dtype=np.float32))[0, 0])
    lowest, highest = -zero_point * step, (LEVELS - zero_point) * step
    nearest = min(max(value, lowest), highest)
    assert abs(rounded - nearest) <= step * (0.5 + LITTLE)
    if nearest != value:
        assert rounded == pytest.approx(nearest)


@settings(deadline=None)
@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=20), st.sampled_from([0.01, 0.3, 1.7]))
def test_rounding_is_monotone_and_rounds_its_own_values_to_themselves(values: list[float], step: float) -> None:
    """Rounding again changes nothing, and no two values change places."""
    grid = one_channel(step, 128)
    rounded = grid.round(np.sort(np.array(values, dtype=np.float32))[:, np.newaxis])
    assert np.array_equal(grid.round(rounded), rounded)
    assert (np.diff(rounded[:, 0]) >= 0).all()


def test_zero_stays_zero_on_every_grid() -> None:
    """The zero point stands for 0 exactly, so channels that are off add nothing."""
    zeros = np.zeros((2, 1), dtype=np.float32)
    assert not one_channel(0.3, 77).round(zeros).any()
    assert not PerTokenQuantizer(1.0).round(zeros).any()


@pytest.mark.parametrize("floor", FLOORS)
def test_a_row_s_largest_value_is_the_last_integer(floor: float) -> None:
    """All 256 integers are used: -0.17 is 0 for a token that ends at the floor, and every token's end is 255."""
    grid = PerTokenQuantizer(floor)
    x = np.array([[-GELU_LOWEST, floor], [0.0, 40.0]], dtype=np.float32)
    steps = grid.round(x) / np.array([[floor], [40.0]]) / grid.unit
    np.testing.assert_allclose(steps + grid.zero_point, [[0, LEVELS], [grid.zero_point, LEVELS]], atol=1e-3)


@settings(deadline=None)
@given(
    st.lists(st.floats(-GELU_LOWEST, 1000), min_size=1, max_size=12),
    st.sampled_from(FLOORS),
)
def test_a_row_grid_never_clips(values: list[float], floor: float) -> None:
    """Whatever a GELU yields is at most half of the token's step off, its largest and its smallest value too."""
    grid = PerTokenQuantizer(floor)
    row = np.array([values], dtype=np.float32)
    step = max(float(row.max()), floor) * grid.unit
    assert np.abs(grid.round(row) - row).max() <= step * (0.5 + LITTLE)


def test_a_row_s_grid_is_its_own() -> None:
    """A token with a huge value coarsens no other token's steps, and rows are rounded as they are alone."""
    grid = PerTokenQuantizer(1.0)
    x = np.abs(random(6, 32))
    huge = x.copy()
    huge[2, 5] = 1000
    others = [0, 1, 3, 4, 5]
    assert np.array_equal(grid.round(huge)[others], grid.round(x)[others])
    assert np.abs(grid.round(huge)[2] - huge[2]).max() > 10 * np.abs(grid.round(x)[2] - x[2]).max()
    assert np.array_equal(grid.round(huge)[others], grid.round(x[others]))


def test_small_rows_share_the_floor_s_steps() -> None:
    """Tokens whose values all lie below the floor don't get ever finer steps, for -0.17 must stay on the grid."""
    grid = PerTokenQuantizer(2.0)
    step = 2.0 * (1 + GELU_LOWEST / 2) / LEVELS
    x = np.array([[-0.17, 0.01, step], [-0.17, 1.9, step]], dtype=np.float32)
    rounded = grid.round(x)
    assert rounded[:, 0].tolist() == pytest.approx([-0.17, -0.17], abs=step / 2)
    assert rounded[:, 2].tolist() == pytest.approx([step, step])
