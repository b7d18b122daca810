"""Batching by example. Its laws stand in tests/property."""

from __future__ import annotations

import numpy as np
import pytest

from biolord_onnx.encoding.batching import Batch, batch_arrays, chunks, plan, share_budget


def planned(lengths: list[int], budget: int, max_texts: int | None = None) -> list[tuple[int, list[int]]]:
    """Plan and return lengths and positions as plain lists."""
    batches = plan(np.array(lengths, dtype=np.int32), budget, max_texts)
    return [(batch.length, batch.indices.tolist()) for batch in batches]


def test_equal_lengths_share_a_batch() -> None:
    """Longest first, in stable order within a length."""
    assert planned([3, 5, 3, 5, 4], 100) == [(5, [1, 3]), (4, [4]), (3, [0, 2])]


def test_the_budget_splits_a_length() -> None:
    """No batch has more tokens than the budget."""
    assert planned([3, 3, 3, 3, 3], 6) == [(3, [0, 1]), (3, [2, 3]), (3, [4])]


def test_a_text_over_the_budget_runs_alone() -> None:
    """A budget smaller than a text still lets it run."""
    assert planned([9, 9], 4) == [(9, [0]), (9, [1])]


def test_the_number_of_texts_can_be_limited() -> None:
    """sentence-transformers' batch_size is an upper bound on top of the budget."""
    assert planned([2, 2, 2], 100, max_texts=2) == [(2, [0, 1]), (2, [2])]
    assert planned([2, 2, 2], 2, max_texts=2) == [(2, [0]), (2, [1]), (2, [2])]


def test_no_texts_no_batches() -> None:
    """Nothing to plan gives no batch."""
    assert planned([], 10) == []


def test_similar_lengths_share_a_batch_where_padding_is_cheap() -> None:
    """Short texts all run together; a long one would make each of them dear."""
    lengths = np.array([9, 4, 300, 7, 12], dtype=np.int32)
    batches = plan(lengths, 5000, padded=True)
    assert [(batch.length, batch.indices.tolist()) for batch in batches] == [(300, [2]), (12, [4, 0, 3, 1])]


def test_a_small_job_is_shared_out() -> None:
    """Two workers get half of 600 tokens each; 100 tokens are not worth two runs; 10,000 keep the budget."""
    assert [share_budget(tokens, 2, 512) for tokens in (600, 100, 10_000)] == [300, 128, 512]


def test_arrays_of_equal_lengths() -> None:
    """Without padding the mask is all ones."""
    batch = Batch(np.array([2, 0]), 2)
    input_ids, attention_mask = batch_arrays([[5, 6], [9], [7, 8]], batch, pad_id=1)
    np.testing.assert_array_equal(input_ids, [[7, 8], [5, 6]])
    np.testing.assert_array_equal(attention_mask, [[1, 1], [1, 1]])
    assert input_ids.dtype == attention_mask.dtype == np.int64


def test_arrays_of_mixed_lengths() -> None:
    """Shorter texts are padded on the right with the manifest's id, and masked there."""
    batch = Batch(np.array([1, 0, 2]), 3)
    input_ids, attention_mask = batch_arrays([[5, 6], [7, 8, 9], []], batch, pad_id=1)
    np.testing.assert_array_equal(input_ids, [[7, 8, 9], [5, 6, 1], [1, 1, 1]])
    np.testing.assert_array_equal(attention_mask, [[1, 1, 1], [1, 1, 0], [0, 0, 0]])
    assert input_ids.dtype == attention_mask.dtype == np.int64


def test_arrays_of_empty_texts_keep_their_shape() -> None:
    """A tokenizer without special tokens gives an empty text no ids at all."""
    input_ids, attention_mask = batch_arrays([[], []], Batch(np.array([0, 1]), 0), pad_id=1)
    assert input_ids.shape == attention_mask.shape == (2, 0)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], []),
        (["a"], [["a"]]),
        (["a", "b", "c", "d"], [["a", "b", "c"], ["d"]]),
        (["aaaa", "bb", "c"], [["aaaa"], ["bb", "c"]]),
        (["a" * 99, "b" * 99], [["a" * 99], ["b" * 99]]),
        (["", "", "", ""], [["", "", ""], [""]]),
    ],
)
def test_chunks_have_two_limits(texts: list[str], expected: list[list[str]]) -> None:
    """A chunk ends at three texts or five characters, whichever comes first."""
    assert [texts[chunk] for chunk in chunks(texts, most_texts=3, most_characters=5)] == expected
