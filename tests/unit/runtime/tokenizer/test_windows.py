"""Texts over the limit, in windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.tokenizer.windows import OVERLAP, cut_windows, merge_windows


@given(st.integers(0, 3000), st.integers(1, 400))
def test_windows_cover_a_text(tokens: int, room: int) -> None:
    """In order, nothing left out, all of them full if there are two or more, and as few as the overlap allows."""
    content = list(range(tokens))
    windows = cut_windows(content, room)
    assert sorted({token for window in windows for token in window}) == content
    if tokens <= room:
        assert windows == [content]
        return
    starts = [window[0] for window in windows]
    assert all(window == list(range(window[0], window[0] + room)) for window in windows)
    strides = np.diff(starts)
    assert strides.min() >= 1
    assert strides.max() <= room - int(room * OVERLAP)
    assert np.ptp(strides) <= 1
    assert len(windows) == 1 + int(np.ceil((tokens - room) / (room - int(room * OVERLAP))))


def test_an_average_counts_tokens() -> None:
    """A window of three tokens weighs three times one of a single token."""
    vectors = np.array([[1, 0], [0, 1], [7, 7]], dtype=np.float32)
    merged = merge_windows(vectors, np.array([3, 1, 5], dtype=np.int32), np.array([2, 1]), unit=False)
    assert merged.dtype == np.float32
    assert merged.tolist() == [[0.75, 0.25], [7, 7]]


def test_unit_vectors_average_to_unit_vectors() -> None:
    """The mean's direction, at length 1."""
    vectors = np.array([[1, 0], [0, 1]], dtype=np.float32)
    merged = merge_windows(vectors, np.array([4, 4], dtype=np.int32), np.array([2]), unit=True)
    np.testing.assert_allclose(merged, [[np.sqrt(0.5), np.sqrt(0.5)]], rtol=1e-6)


@pytest.mark.parametrize("unit", [False, True])
def test_a_single_window_is_left_alone(unit: bool) -> None:
    """Bit by bit, though its length is not quite 1."""
    vectors = np.array([[0.1, 0.7], [0.6, 0.80001]], dtype=np.float32)
    merged = merge_windows(vectors, np.array([5, 9], dtype=np.int32), np.array([1, 1]), unit=unit)
    np.testing.assert_array_equal(merged, vectors)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_texts_are_averaged_one_by_one(counts: list[int]) -> None:
    """A text's average does not depend on the others."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(sum(counts), 3)).astype(np.float32)
    tokens = random.integers(1, 9, size=sum(counts)).astype(np.int32)
    together = merge_windows(vectors, tokens, np.array(counts), unit=False)
    start = 0
    for row, count in enumerate(counts):
        some = slice(start, start + count)
        alone = merge_windows(vectors[some], tokens[some], np.array([count]), unit=False)
        np.testing.assert_array_equal(together[row], alone[0])
        start += count
