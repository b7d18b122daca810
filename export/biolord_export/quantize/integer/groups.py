"""How inner channels of a feed-forward network are cut into groups, each rounded on a grid of its own.

A few fixed channels of a GELU's output carry values many times those of the rest (Dettmers et al. 2022). Sorted by
their range, they fill narrow groups, and what follows is alike enough for wide ones. Each group costs a pass over the
outputs, so there are as few as lose no more than groups of one width would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from biolord_export.checkpoint.weights import Float32

    Costs = NDArray[np.float64]

CHANNELS = 64
"""The operators take channels by so many."""
WIDEST = 1024
"""More channels of a run's tokens would fall out of the second-level cache."""
EVEN = 256
"""The width of groups that are all alike, which lose little enough."""
MOST = 32
"""Groups that the operators take."""
TOKENS = 800
"""How many of a kind are measured."""


def choose_widths(kinds: Sequence[Float32], weight: Float32) -> tuple[int, ...]:
    """Choose the widths of groups.

    Args:
        kinds: float32 [tokens, channels] each, outputs of a GELU, the channels that reach farthest first. Tokens of
            each kind are to lose no more than by even groups; of a kind there may be none.
        weight: float32 [channels, outputs] they are multiplied with, in the same order.

    Returns:
        Multiples of `CHANNELS` up to `WIDEST` that add up to all channels.
    """
    even = even_widths(len(weight))
    costs = [_costs(inner[:: max(1, len(inner) // TOKENS)], weight) for inner in kinds if len(inner)]
    shares = [some / max(_cost(some, even), np.finfo(np.float64).tiny) for some in costs]
    if not shares:
        return even
    together = np.sum(shares, axis=0)
    counts = range(-(-len(weight) // WIDEST), min(len(even), MOST) + 1)
    cuts = (_best(together, count) for count in counts)
    return next((cut for cut in cuts if all(_cost(some, cut) <= 1 for some in shares)), even)


def even_widths(channels: int) -> tuple[int, ...]:
    """Cut channels into groups of one width, the widest up to `EVEN` that fits."""
    width = next(width for width in range(EVEN, 0, -CHANNELS) if channels % width == 0)
    return (width,) * (channels // width)


def _costs(inner: Float32, weight: Float32) -> Costs:
    """Return float64 [blocks, blocks + 1]: of a group from a block of channels up to another; infinite if too wide.

    A grid's step is proportional to the range of a token's values in the group, and the power of what it rounds away to
    its square, times the power of the weights.
    """
    blocks = len(weight) // CHANNELS
    split = inner.reshape(len(inner), blocks, CHANNELS)
    highest, lowest = np.maximum(split.max(axis=2), 0), np.minimum(split.min(axis=2), 0)
    power = np.square(weight, dtype=np.float64).reshape(blocks, -1).sum(axis=1)
    costs = np.full((blocks, blocks + 1), np.inf)
    for first in range(blocks):
        last = min(blocks, first + WIDEST // CHANNELS)
        tops = np.maximum.accumulate(highest[:, first:last], axis=1)
        bottoms = np.minimum.accumulate(lowest[:, first:last], axis=1)
        spans = np.square(tops - bottoms, dtype=np.float64).mean(axis=0)
        costs[first, first + 1 : last + 1] = spans * np.cumsum(power[first:last])
    return costs


def _cost(costs: Costs, widths: Sequence[int]) -> float:
    ends = np.cumsum(widths) // CHANNELS
    return float(costs[[0, *ends[:-1]], ends].sum())


def _best(costs: Costs, count: int) -> tuple[int, ...]:
    """Find the cheapest cut into so many groups: the best end of each is found for every end of the next."""
    blocks = len(costs)
    least = np.full(blocks + 1, np.inf)
    least[0] = 0
    begins = []
    for _ in range(count):
        totals = least[:blocks, np.newaxis] + costs
        begins.append(totals.argmin(axis=0))
        least = totals.min(axis=0)
    edges = [blocks]
    for begin in reversed(begins):
        edges.append(int(begin[edges[-1]]))
    return tuple(map(int, np.diff(edges[::-1]) * CHANNELS))
