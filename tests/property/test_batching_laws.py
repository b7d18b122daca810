"""Laws of batching, for any lengths."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.encoding.batching import (
    PADDING_SHARE,
    PADDING_SQUARES,
    RUN_TOKENS,
    batch_arrays,
    chunks,
    plan,
    share_budget,
)

pytestmark = pytest.mark.usefixtures("coverage_paused")
LENGTHS = st.lists(st.integers(1, 40), max_size=200)
BUDGETS = st.integers(1, 300)


@given(LENGTHS, BUDGETS, st.none() | st.integers(1, 20))
def test_plans(lengths: list[int], budget: int, max_texts: int | None) -> None:
    """Every text once, equal lengths together, limits kept, longest first, no batch smaller than need be."""
    batches = plan(np.array(lengths, dtype=np.int32), budget, max_texts)
    positions = [position for batch in batches for position in batch.indices.tolist()]
    assert sorted(positions) == list(range(len(lengths)))
    for batch in batches:
        assert {lengths[position] for position in batch.indices.tolist()} == {batch.length}
        assert len(batch.indices) == 1 or len(batch.indices) * batch.length <= budget
        assert max_texts is None or len(batch.indices) <= max_texts
        assert batch.indices.tolist() == sorted(batch.indices.tolist())
    assert [batch.length for batch in batches] == sorted((b.length for b in batches), reverse=True)
    for batch, following in pairwise(batches):
        if batch.length == following.length:
            full = max(1, budget // batch.length)
            assert len(batch.indices) == (full if max_texts is None else min(full, max_texts))


@given(LENGTHS, BUDGETS, st.none() | st.integers(1, 20))
def test_padded_plans(lengths: list[int], budget: int, max_texts: int | None) -> None:
    """Every text once, limits kept with padding counted, longest first, never more runs than without padding."""
    plain = plan(np.array(lengths, dtype=np.int32), budget, max_texts)
    batches = plan(np.array(lengths, dtype=np.int32), budget, max_texts, padded=True)
    assert sorted(position for batch in batches for position in batch.indices.tolist()) == list(range(len(lengths)))
    for batch in batches:
        own = [lengths[position] for position in batch.indices.tolist()]
        assert own == sorted(own, reverse=True)
        assert own[0] == batch.length
        assert len(own) == 1 or len(own) * batch.length <= budget
        assert max_texts is None or len(own) <= max_texts
        squares = sum(batch.length**2 - length**2 for length in own)
        places = sum(batch.length - length for length in own)
        assert squares / PADDING_SQUARES + places / PADDING_SHARE <= RUN_TOKENS
    assert len(batches) <= len(plain)


@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 2000))
def test_shares(tokens: int, workers: int, budget: int) -> None:
    """Never over the budget; below it only so far that every worker gets a run of some size."""
    share = share_budget(tokens, workers, budget)
    assert share <= budget
    if share < budget:
        assert share >= 4 * RUN_TOKENS
        assert share * workers >= tokens


@given(st.lists(st.lists(st.integers(2, 99), min_size=1, max_size=9), min_size=1, max_size=20))
def test_arrays(ids: list[list[int]]) -> None:
    """A batch's rows are the ids, padded on the right and masked exactly there."""
    batches = plan(np.array([len(row) for row in ids], dtype=np.int32), budget=30)
    for batch in batches:
        input_ids, attention_mask = batch_arrays(ids, batch, pad_id=1)
        assert input_ids.tolist() == [ids[position] for position in batch.indices.tolist()]
        assert attention_mask.all()
    everything = type(batches[0])(np.arange(len(ids)), max(map(len, ids)))
    input_ids, attention_mask = batch_arrays(ids, everything, pad_id=1)
    for row, expected in enumerate(ids):
        padding = everything.length - len(expected)
        assert input_ids[row].tolist() == expected + [1] * padding
        assert attention_mask[row].tolist() == [1] * len(expected) + [0] * padding


@given(st.lists(st.text(max_size=12), max_size=60), st.integers(1, 9), st.integers(1, 30))
def test_chunks(texts: list[str], most_texts: int, most_characters: int) -> None:
    """Chunks follow each other, cover everything, and keep both limits unless a text alone breaks one."""
    parts = [texts[chunk] for chunk in chunks(texts, most_texts, most_characters)]
    assert [text for part in parts for text in part] == texts
    for part in parts:
        assert 1 <= len(part) <= most_texts
        assert len(part) == 1 or sum(map(len, part)) <= most_characters
