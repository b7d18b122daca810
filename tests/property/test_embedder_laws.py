"""A vector is a function of its text alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.embedder import Embedder

pytestmark = pytest.mark.usefixtures("coverage_paused")
TEXT = st.text(max_size=10) | st.sampled_from(["cat", "dog bite", "fever", "fever of the heart " * 20])
TEXTS = st.lists(st.text(max_size=10) | st.sampled_from(["cat", "dog bite", "fever"]), min_size=1, max_size=30)


@given(texts=TEXTS, data=st.data())
def test_company_changes_no_vector(invariant: Embedder, texts: list[str], data: st.DataObject) -> None:
    """Order, repetitions, batch size and token budget leave every vector bit-equal to the text's alone."""
    company = data.draw(st.lists(st.sampled_from(texts), min_size=1, max_size=40))
    info = invariant.encode_with_info(
        company,
        batch_size=data.draw(st.none() | st.integers(1, 40)),
        batch_tokens=data.draw(st.none() | st.integers(1, 200)),
        normalize=(normalize := data.draw(st.sampled_from([None, True]))),
    )
    for text, vector, count, cut in zip(company, info.vectors, info.token_counts, info.truncated, strict=True):
        alone = invariant.encode_with_info(text, normalize=normalize)
        np.testing.assert_array_equal(vector, alone.vectors)
        assert (count, cut) == (alone.token_counts, alone.truncated)


@given(texts=TEXTS)
def test_vectors_are_finite(embedder: Embedder, texts: list[str]) -> None:
    """Any text has a vector of numbers, and its unit vector has length 1."""
    assert np.isfinite(embedder.encode_with_info(texts).vectors).all()
    lengths = np.linalg.norm(embedder.encode_with_info(texts, normalize=True).vectors, axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)


@given(texts=TEXTS)
def test_counts_agree(embedder: Embedder, texts: list[str]) -> None:
    """count_tokens and encode_with_info say the same."""
    np.testing.assert_array_equal(embedder.count_tokens(texts), embedder.encode_with_info(texts).token_counts)


@given(pairs=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=20), data=st.data())
def test_company_changes_no_pair_s_vector(paired: Embedder, pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    """Nor its count of tokens: order, repetitions, batch size and token budget leave all bits as they are alone."""
    company = data.draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=30))
    info = paired.encode_with_info(
        company,
        batch_size=data.draw(st.none() | st.integers(1, 30)),
        batch_tokens=data.draw(st.none() | st.integers(1, 200)),
    )
    np.testing.assert_array_equal(paired.count_tokens(company), info.token_counts)
    for pair, vector, count, cut in zip(company, info.vectors, info.token_counts, info.truncated, strict=True):
        alone = paired.encode_with_info([pair])
        np.testing.assert_array_equal(vector, alone.vectors[0])
        assert (count, cut) == (alone.token_counts[0], alone.truncated[0])
