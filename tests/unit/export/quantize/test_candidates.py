"""The choice of grids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_export.calibration.collect import InputStatistics
from biolord_export.quantize.candidates import (
    FLOORS,
    MARGINS,
    OUTLIER_COUNTS,
    STRENGTHS,
    WORTH_WIDENING,
    InnerChoice,
    StaticChoice,
    choose_inner,
    choose_static,
)
from biolord_export.quantize.grid import LEVELS, PerTensorQuantizer
from unit.export.quantize.block_inputs import correlated, random
from unit.export.quantize.observed import observe

Float32 = NDArray[np.float32]
CHANNELS = 1024
"""So many alike that 32 of them in float32 take away a 32nd of the error."""


def two_sided(inputs: int = 48, degenerate: Float32 | None = None) -> InputStatistics:
    """Observe inputs on both sides of 0, some channels far larger than others."""
    return observe(correlated(500, inputs), correlated(300, inputs, seed=2), degenerate)


def lost(grid: PerTensorQuantizer, inputs: Float32, weight: Float32) -> float:
    """Measure the output's error power when inputs are rounded to a grid, by undoing what the grid does to them."""
    restored = grid.round(grid.normalize(inputs)) * grid.smooth + grid.center
    return float(np.square((restored - inputs) @ weight).sum(axis=1).mean())


def beyond(statistics: InputStatistics, times: float) -> Float32:
    """Make a token whose channels lie so many times as far from the middle of their ranges as the ranges' ends do."""
    middle, reach = statistics.highest + statistics.lowest, statistics.highest - statistics.lowest
    signs = np.where(np.arange(len(middle)) % 2, 1, -1)
    return np.asarray((middle + signs * np.float32(times) * reach) / 2, dtype=np.float32)[np.newaxis]


def equal(one: StaticChoice, other: StaticChoice) -> bool:
    """Compare choices bit by bit."""
    arrays = zip((one.grid.center, one.grid.smooth), (other.grid.center, other.grid.smooth), strict=True)
    figures = [(each.strength, each.margin, each.grid.step, each.grid.zero_point) for each in (one, other)]
    return figures[0] == figures[1] and all(np.array_equal(*pair) for pair in arrays)


def gelu_like(channels: int, factors: dict[int, float], tokens: int = 200, seed: int = 1) -> Float32:
    """Draw values as a GELU yields them, some channels so many times larger."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(-0.15, 1, (tokens, channels)).astype(np.float32)
    for channel, factor in factors.items():
        x[:, channel] = factor * generator.uniform(0.5, 1, tokens)
    return x


def inner(factors: dict[int, float], channels: int = CHANNELS, importance: Float32 | float = 1.0) -> InnerChoice:
    """Choose for such values."""
    return choose_inner(observe(gelu_like(channels, factors)), random(channels, 16), importance)


def test_a_static_grid_is_made_from_the_ranges_and_the_weight() -> None:
    """Centers are the middles of the ranges, and the widest smoothed channel ends the grid, times the margin."""
    statistics, weight = two_sided(), random(48, 20)
    choice = choose_static(statistics, weight)
    grid = choice.grid
    assert choice.strength in STRENGTHS
    assert choice.margin in MARGINS
    assert np.allclose(grid.center, (statistics.lowest + statistics.highest) / 2)
    reach = (statistics.highest - statistics.lowest) / 2
    assert grid.step * LEVELS / 2 == pytest.approx(choice.margin * float((reach / grid.smooth).max()), rel=1e-5)
    assert np.log(grid.smooth).mean() == pytest.approx(0, abs=1e-5)
    assert (grid.zero_point, grid.folded) == (128, False)
    assert grid.smooth.dtype == np.float32
    if choice.strength == 1:
        assert np.allclose(grid.smooth / reach, (grid.smooth / reach)[0])


def test_smoothing_beats_one_range_for_all_channels() -> None:
    """On inputs that took no part, the choice loses less than a fifth of what a plain grid over the range loses."""
    statistics, weight = two_sided(), random(48, 20)
    unseen = correlated(300, 48, seed=6)
    end = float(np.abs([statistics.lowest, statistics.highest]).max())
    plain = PerTensorQuantizer(np.zeros(48, np.float32), np.ones(48, np.float32), 2 * end / LEVELS, 128)
    assert lost(choose_static(statistics, weight).grid, unseen, weight) < 0.2 * lost(plain, unseen, weight)


@settings(deadline=None, max_examples=8)
@given(st.integers(-50, 50))
def test_where_inputs_lie_does_not_matter_only_how_far_they_reach(shift: int) -> None:
    """Inputs moved as a whole get the same steps around another center."""
    statistics, weight, by = two_sided(), random(48, 20), np.float32(shift)
    moved = replace(
        statistics,
        lowest=statistics.lowest + by,
        highest=statistics.highest + by,
        held_out=statistics.held_out + by,
    )
    before, after = choose_static(statistics, weight), choose_static(moved, weight)
    assert np.allclose(after.grid.center, before.grid.center + by, atol=1e-4)
    assert (after.strength, after.margin) == (before.strength, before.margin)
    assert after.grid.step == pytest.approx(before.grid.step, rel=1e-3)


def test_rare_ends_are_clipped_and_common_ones_are_not() -> None:
    """With one value in thousands at the range's end the grid ends below it; where half lie there, it doesn't."""
    rows, weight = random(400, 16).clip(-2, 2), random(16, 8)
    outliers = replace(observe(rows), lowest=np.full(16, -3, np.float32), highest=np.full(16, 3, np.float32))
    assert choose_static(outliers, weight).margin == min(MARGINS)
    ends = np.sign(rows) * np.float32(2)
    assert choose_static(observe(ends), weight).margin >= 1


def test_a_channel_that_never_varies_is_no_reason_to_fail() -> None:
    """Neither are inputs that no output depends on."""
    rows, weight = correlated(300, 16), random(16, 8)
    rows[:, 3], weight[5] = 2.5, 0
    grid = choose_static(observe(rows), weight).grid
    assert np.isfinite(grid.smooth).all()
    assert (grid.smooth > 0).all()
    assert lost(grid, rows, weight) < 1e-2 * float(np.square(rows @ weight).sum(axis=1).mean())


def test_without_strange_inputs_the_choice_is_that_of_the_ranges() -> None:
    """Strange inputs within the ranges change nothing either, though they were held out of them."""
    weight = random(48, 20)
    plain = choose_static(two_sided(), weight)
    within = beyond(two_sided(), 0.9)
    assert equal(choose_static(two_sided(degenerate=within), weight), plain)
    assert equal(choose_static(two_sided(degenerate=np.repeat(within, 30, axis=0)), weight), plain)


def test_a_grid_is_widened_for_inputs_far_beyond_it() -> None:
    """The degenerate token is within the grid then, which costs all others less than it would have lost."""
    weight, degenerate = random(48, 20), beyond(two_sided(), 12)
    plain, widened = (choose_static(two_sided(degenerate=each), weight) for each in (None, degenerate))
    assert widened.grid.step > 2 * plain.grid.step
    assert lost(widened.grid, degenerate, weight) < 1e-2 * lost(plain.grid, degenerate, weight)
    assert lost(widened.grid, two_sided().held_out, weight) < 1e-2 * lost(plain.grid, degenerate, weight)


@pytest.mark.parametrize("side", [-1, 1])
def test_one_channel_on_either_side_is_enough(side: int) -> None:
    """A single value far above the highest, or below the lowest, of its channel is reached by the grid."""
    statistics, weight = two_sided(), random(48, 20)
    degenerate = beyond(statistics, 0.0)
    degenerate[0, 7] += side * 40 * (statistics.highest - statistics.lowest)[7]
    grid = choose_static(replace(statistics, degenerate=degenerate), weight).grid
    normalized = grid.normalize(degenerate)
    assert np.abs(grid.round(normalized) - normalized).max() < 0.25 * LEVELS * grid.step
    assert abs(grid.center[7] - choose_static(statistics, weight).grid.center[7]) > 1


def test_widening_must_be_worth_it() -> None:
    """Ranges are widened exactly where that divides the degenerate token's error by more than WORTH_WIDENING."""
    weight, ratios = random(48, 20), []
    for times in (1.01, 1.04, 1.15, 1.16, 1.18, 1.3):
        statistics = two_sided(degenerate=beyond(two_sided(), times))
        lowest = np.minimum(statistics.lowest, statistics.degenerate[0])
        highest = np.maximum(statistics.highest, statistics.degenerate[0])
        none = np.empty((0, 48), dtype=np.float32)
        ordinary = choose_static(replace(statistics, degenerate=none), weight)
        wider = choose_static(replace(statistics, degenerate=none, lowest=lowest, highest=highest), weight)
        errors = [lost(choice.grid, statistics.degenerate, weight) for choice in (ordinary, wider)]
        ratios.append(errors[0] / errors[1])
        assert equal(choose_static(statistics, weight), wider if ratios[-1] > WORTH_WIDENING else ordinary)
    assert any(WORTH_WIDENING / 2 < ratio < WORTH_WIDENING for ratio in ratios)
    assert any(WORTH_WIDENING < ratio < 2 * WORTH_WIDENING for ratio in ratios)


def test_no_channel_stays_in_float32_where_all_are_alike() -> None:
    """Float32 for a few of a thousand equal channels takes away too little."""
    assert inner({}).outliers == 0


@pytest.mark.parametrize(("huge", "outliers"), [(1, 16), (16, 16), (17, 32), (30, 32)])
def test_a_few_huge_channels_stay_in_float32(huge: int, outliers: int) -> None:
    """As many as are needed to free the rest of their range, and they stand first."""
    factors = {31 * number + 5: 60.0 + number for number in range(huge)}
    choice = inner(factors)
    assert choice.outliers == outliers
    assert set(choice.order[:huge].tolist()) == set(factors)


def test_channels_are_ordered_by_their_largest_value() -> None:
    """The order is a permutation, widest first."""
    statistics = observe(gelu_like(40, {3: 9.0, 17: 20.0}))
    order = choose_inner(statistics, random(40, 16)).order
    assert sorted(order.tolist()) == list(range(40))
    assert order[:2].tolist() == [17, 3]
    assert (np.diff(statistics.highest[order]) <= 0).all()


def test_splits_are_whole_tiles() -> None:
    """Kernels multiply 16 outputs at a time: both sides of a split of whole tiles are whole tiles."""
    assert {outliers % 16 for outliers in OUTLIER_COUNTS} == {0}
    assert len(set(OUTLIER_COUNTS)) == len(OUTLIER_COUNTS) > 1


@pytest.mark.parametrize("channels", [3, 16])
def test_some_channels_are_always_rounded(channels: int) -> None:
    """A layer with no more channels than would be kept keeps none."""
    choice = inner({0: 500.0}, channels)
    assert choice.outliers == 0
    assert len(choice.order) == channels


def test_channels_count_by_what_they_feed() -> None:
    """Of a thousand channels alike, the 32 largest stay in float32 where no output depends on any other."""
    statistics, weight = observe(gelu_like(CHANNELS, {})), np.zeros((CHANNELS, 16), dtype=np.float32)
    weight[np.argsort(-statistics.highest, kind="stable")[:32]] = random(32, 16)
    assert choose_inner(statistics, weight).outliers == 32


def test_errors_count_as_much_as_their_outputs_matter() -> None:
    """Huge channels stay in float32 only where what they coarsen feeds an output that matters."""
    statistics, weight = observe(gelu_like(64, {40: 100.0, 50: 90.0})), np.zeros((64, 2), dtype=np.float32)
    weight[:, 1], weight[[40, 50]] = 1, (1, 0)
    coarsened = np.array([0.0, 1.0], dtype=np.float32)
    assert choose_inner(statistics, weight, coarsened).outliers > 0
    assert choose_inner(statistics, weight, coarsened * 0).outliers == 0


def test_the_grid_s_floor_follows_the_tokens() -> None:
    """Tokens that stay small get the lower floor, tokens that reach far the one that leaves finer steps."""
    small = observe(gelu_like(CHANNELS, {}) * np.float32(0.9))
    large = observe(np.maximum(gelu_like(CHANNELS, {}) * 5, np.float32(-0.15)))
    weight = random(CHANNELS, 16)
    assert choose_inner(small, weight).grid.floor == min(FLOORS)
    assert choose_inner(large, weight).grid.floor == max(FLOORS)
