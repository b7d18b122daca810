"""Groups of inner channels."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_export.quantize.integer.groups import CHANNELS, WIDEST, choose_widths, even_widths

Float32 = NDArray[np.float32]


def made_up(ranges: list[float]) -> tuple[Float32, Float32]:
    """Make inner channels, whose blocks of 64 reach so far, and their weight."""
    random = np.random.default_rng(3)
    reach = np.repeat(np.array(ranges, dtype=np.float32), CHANNELS)
    inner = random.uniform(-0.17, 1, (50, len(reach))).astype(np.float32)
    inner[:, :: CHANNELS // 2] = 1  # whose ranges are the same for every token
    inner[:, 1 :: CHANNELS // 2] = -0.17
    inner *= reach
    return inner, random.normal(0, 1, (len(reach), 8)).astype(np.float32)


def chosen(inner: Float32, weight: Float32) -> tuple[int, ...]:
    """Choose by one kind of tokens, and a kind of which there are none."""
    return choose_widths((inner, inner[:0]), weight)


def power(inner: Float32, weight: Float32, widths: tuple[int, ...]) -> float:
    """Compute what a cut's grids round away: the squares of their ranges, times the power of the weights."""
    found = 0.0
    for begin, end in pairwise((0, *np.cumsum(widths))):
        part = inner[:, begin:end]
        spans = np.maximum(part.max(axis=1), 0) - np.minimum(part.min(axis=1), 0)
        found += np.square(spans, dtype=np.float64).mean() * np.square(weight[begin:end], dtype=np.float64).sum()
    return float(found)


@pytest.mark.parametrize(
    ("channels", "widths"),
    [(64, (64,)), (128, (128,)), (256, (256,)), (320, (64,) * 5), (512, (256,) * 2), (1536, (256,) * 6)],
)
def test_even_groups_are_the_widest_that_divide_all_channels(channels: int, widths: tuple[int, ...]) -> None:
    """Multiples of 64, up to 256."""
    assert even_widths(channels) == widths


def test_channels_of_one_range_need_no_groups_but_for_the_cache() -> None:
    """As many as their most channels ask for."""
    assert chosen(*made_up([1.0] * 12)) == (768,)
    assert max(chosen(*made_up([1.0] * 48))) <= WIDEST


def test_few_wide_channels_get_a_narrow_group() -> None:
    """And the rest a wide one, at less error than even groups."""
    inner, weight = made_up([60.0, *[1.0] * 15])
    widths = chosen(inner, weight)
    assert widths == (64, 960)
    assert power(inner, weight, widths) < 0.3 * power(inner, weight, even_widths(1024))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=9))
@example([1.0, 1.0, 1.0, 1.0, 2.0])
def test_the_fewest_groups_that_lose_no_more_than_even_ones(ranges: list[float]) -> None:
    """Found by trying all cuts: none of fewer groups is as good, and none of as many better."""
    inner, weight = made_up(sorted(ranges, reverse=True))
    blocks, even = len(ranges), power(inner, weight, even_widths(len(weight)))
    cuts = [
        tuple(CHANNELS * (b - a) for a, b in pairwise((0, *edges, blocks)))
        for count in range(blocks)
        for edges in combinations(range(1, blocks), count)
    ]
    found = chosen(inner, weight)
    enough = even * (1 + 1e-9)
    assert power(inner, weight, found) <= enough
    assert not any(len(cut) < len(found) and power(inner, weight, cut) < even * (1 - 1e-9) for cut in cuts)
    least = min(power(inner, weight, cut) for cut in cuts if len(cut) == len(found))
    assert power(inner, weight, found) <= min(least * (1 + 1e-9), enough) or found == even_widths(len(weight))


def test_no_kind_of_tokens_loses_more_than_by_even_groups() -> None:
    """Where some texts reach far in channels that are near zero in others, those get groups of their own."""
    ordinary, weight = made_up([8.0, *[1.0] * 15])
    strange, _ = made_up([1.0] * 12 + [30.0] * 4)
    widths = choose_widths((ordinary, strange), weight)
    assert len(widths) > len(chosen(ordinary, weight))
    for inner in (ordinary, strange):
        assert power(inner, weight, widths) <= power(inner, weight, even_widths(1024)) * (1 + 1e-9)


def test_without_tokens_groups_are_even() -> None:
    """Nothing is known then."""
    inner, weight = made_up([1.0] * 8)
    assert choose_widths((inner[:0],), weight) == (256, 256)
