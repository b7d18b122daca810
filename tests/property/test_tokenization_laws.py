"""Tokenization equals the library's own, for any text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library

from biolord_onnx.tokenizer.tokenizer import Tokenizer
from unit.runtime.tiny_artifact import SPECIALS, WORDS, tiny_tokenizer

# Any characters, and strings of what the tokenizer knows: words, special tokens, spaces of many kinds.
pytestmark = pytest.mark.usefixtures("coverage_paused")
PIECES = st.sampled_from([*WORDS, *SPECIALS, " ", "\u00a0", "\u200d", "\0", "é", "e\u0301", "🐈", "سلام", "x" * 120])
TEXTS = st.lists(st.text(max_size=40) | st.lists(PIECES, max_size=15).map("".join), max_size=8)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """Load the tiny tokenizer as the runtime does."""
    path: Path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tiny_tokenizer().save(str(path))
    return Tokenizer.load(path)


def library(limit: int | None) -> Library:
    """Return the tokenizer with the library's own truncation, as transformers sets it."""
    tokenizer = tiny_tokenizer()
    if limit is not None:
        tokenizer.enable_truncation(limit, strategy="longest_first", direction="right")
    return tokenizer


@given(TEXTS, st.integers(2, 24))
def test_ids_are_the_librarys(ours: Tokenizer, texts: list[str], limit: int) -> None:
    """Ids and lengths equal the library's with truncation, full lengths those without."""
    tokenized = ours.tokenize(texts, limit)
    assert tokenized.ids == [encoding.ids for encoding in library(limit).encode_batch(texts)]
    assert tokenized.lengths.tolist() == [len(ids) for ids in tokenized.ids]
    full = [len(encoding.ids) for encoding in library(None).encode_batch(texts)]
    assert tokenized.full_lengths.tolist() == full
    assert tokenized.truncated.tolist() == [length > limit for length in full]


@given(TEXTS)
def test_counts_are_the_librarys(ours: Tokenizer, texts: list[str]) -> None:
    """Counting equals the library's lengths without truncation."""
    np.testing.assert_array_equal(ours.count(texts), [len(e.ids) for e in library(None).encode_batch(texts)])


@given(st.lists(st.text(max_size=20), min_size=1, max_size=8), st.data())
def test_a_text_tokenizes_alone_as_in_company(ours: Tokenizer, texts: list[str], data: st.DataObject) -> None:
    """Neighbors and order change no ids."""
    order = data.draw(st.permutations(range(len(texts))))
    together = ours.tokenize([texts[position] for position in order], 12).ids
    assert together == [ours.tokenize([texts[position]], 12).ids[0] for position in order]
