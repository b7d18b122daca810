"""Pairs are framed and cut as the tokenizers library does it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from biolord_onnx.artifact.reranking import Reranking
from biolord_onnx.tokenizer.pairs import join_pair, keep_longest_first

WORDS = tuple("abcdefghij")
FRAMES = {
    "bert": Reranking((10,), (11,), (11,), token_types=True, activation="sigmoid"),
    "roberta": Reranking((10,), (11, 11), (11,), token_types=False, activation="sigmoid"),
}


def library(frame: str) -> Tokenizer:
    """Build a tokenizer of one-letter words."""
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate((*WORDS, "<s>", "</s>", "?"))}, "?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    ends = ("</s>", 11), ("<s>", 10)
    kinds = {"bert": processors.BertProcessing, "roberta": processors.RobertaProcessing}
    tokenizer.post_processor = kinds[frame](*ends)
    return tokenizer


LIBRARIES = {frame: library(frame) for frame in FRAMES}


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("frame", FRAMES)
@given(first=st.lists(st.integers(0, 9), max_size=12), second=st.lists(st.integers(0, 9), max_size=12), data=st.data())
def test_a_pair_has_the_library_s_ids_and_types(
    frame: str, side: str, first: list[int], second: list[int], data: st.DataObject
) -> None:
    """Of texts of any length, empty ones too, cut at any limit, at either end."""
    limit = data.draw(st.integers(FRAMES[frame].special_count + 1, 30))
    tokenizer = LIBRARIES[frame]
    tokenizer.enable_truncation(limit, strategy="longest_first", direction=side)
    one, other = (" ".join(WORDS[at] for at in ids) for ids in (first, second))
    expected = tokenizer.encode(one, other)
    found = join_pair(first, second, FRAMES[frame], limit, keeps_end=side == "left")
    assert found.ids == expected.ids
    assert found.full_length == len(first) + len(second) + FRAMES[frame].special_count
    if FRAMES[frame].token_types:
        assert [int(place >= found.second) for place in range(len(found.ids))] == expected.type_ids


@given(st.integers(0, 600), st.integers(0, 600), st.integers(0, 512))
def test_nothing_is_cut_that_fits_and_no_room_is_left_where_something_is(first: int, second: int, room: int) -> None:
    """The shorter text loses nothing until the other is as short."""
    kept = keep_longest_first(first, second, room)
    assert kept[0] <= first
    assert kept[1] <= second
    assert sum(kept) == min(first + second, room)
    if first < kept[1]:
        assert kept[0] == first
    if second < kept[0]:
        assert kept[1] == second
