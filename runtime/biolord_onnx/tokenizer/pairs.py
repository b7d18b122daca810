"""Two texts as one row of tokens, cut as transformers' ``longest_first`` does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from biolord_onnx.artifact.pairing import PairFrame
from biolord_onnx.tokenizer.tokenizer import TokenizedTexts

Ids = Sequence[int]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts.

    Attributes:
        ids: Of all tokens, special ones included, cut to the limit.
        second: Place of the first token of type 1: the second text's, or of the suffix where it has none.
        full_length: Tokens before any cut.
    """

    ids: list[int]
    second: int
    full_length: int


def keep_longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """Count the tokens that are kept of each of two texts: the longer one loses its last tokens first.

    Args:
        first: Tokens of the one.
        second: Of the other.
        room: For both, 0 or more.
    """
    if first + second <= room:
        return first, second
    short, long = sorted((first, second))
    long = min(long, max(short, room - short))
    if short + long > room:
        # Both are cut to the same length; of an odd number of tokens, the longer one gets one more.
        short, long = room // 2, room // 2 + room % 2
    return (long, short) if first > second else (short, long)


def join_pair(one: Ids, other: Ids, frame: PairFrame, max_length: int, *, keeps_end: bool = False) -> Pair:
    """Put special tokens around two texts.

    Args:
        one: Ids without special tokens.
        other: Likewise.
        frame: The special tokens.
        max_length: Most tokens, special ones included; at least as many as there are of those.
        keeps_end: Whether texts over the limit lose their beginning instead of their end.
    """
    first, second = keep_longest_first(len(one), len(other), max_length - frame.special_count)
    opening = [*frame.prefix, *_keep(one, first, keeps_end=keeps_end), *frame.middle]
    ids = [*opening, *_keep(other, second, keeps_end=keeps_end), *frame.suffix]
    return Pair(ids, len(opening), len(one) + len(other) + frame.special_count)


def join_pairs(
    pairs: Iterable[tuple[Ids, Ids]], frame: PairFrame, max_length: int, *, keeps_end: bool = False
) -> TokenizedTexts:
    """Put special tokens around pairs of texts; the arguments are those of `join_pair`."""
    joined = [join_pair(one, other, frame, max_length, keeps_end=keeps_end) for one, other in pairs]
    return TokenizedTexts(
        [pair.ids for pair in joined],
        np.array([len(pair.ids) for pair in joined], dtype=np.int32),
        np.array([pair.full_length for pair in joined], dtype=np.int32),
        np.array([pair.second for pair in joined], dtype=np.int64),
    )


def _keep(ids: Ids, count: int, *, keeps_end: bool) -> Ids:
    return ids[len(ids) - count :] if keeps_end else ids[:count]
