"""In which order shares are tokenized."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.server.work.lanes import Lane
from biolord_onnx.server.work.tokens import SHARE, shares


@pytest.fixture
def lane() -> Iterator[Lane]:
    """Give one of its own."""
    lane = Lane("test")
    yield lane
    lane.close()


def test_who_asks_for_little_passes_who_asks_for_much(lane: Lane) -> None:
    """And who asks for much has his turn before those that come later and later."""
    order: list[str] = []
    gate = threading.Event()

    async def ask() -> None:
        first = asyncio.ensure_future(lane.run(1, gate.wait))
        await asyncio.sleep(0.05)
        large = [asyncio.ensure_future(lane.run(1000, lambda: order.append("large"))) for _ in range(5)]
        given_up = asyncio.ensure_future(lane.run(10, lambda: order.append("given up")))
        small = asyncio.ensure_future(lane.run(10, lambda: order.append("small")))
        await asyncio.sleep(0.01)
        given_up.cancel()
        await asyncio.wait((given_up,))
        gate.set()
        await asyncio.gather(first, small, *large)

    asyncio.run(ask())
    assert order == ["small"] + 5 * ["large"]


def test_a_fault_is_raised_where_it_is_awaited(lane: Lane) -> None:
    """And the lane goes on."""
    with pytest.raises(ZeroDivisionError):
        asyncio.run(lane.run(1, lambda: 1 / 0))
    assert asyncio.run(lane.run(1, lambda: 3)) == 3


@given(st.lists(st.integers(0, 3 * SHARE).map("x".__mul__), min_size=1, max_size=40))
def test_shares_are_all_texts_in_their_order(texts: list[str]) -> None:
    """None is more than a share but a single text that is."""
    found = [*shares(texts)]
    assert [text for _, some in found for text in some] == texts
    assert all(cost <= SHARE or len(some) == 1 for cost, some in found)
    assert all(some for _, some in found)
