"""A query and a text as one row of tokens, cut as transformers' ``longest_first`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biolord_onnx.artifact.reranking import Reranking


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and a text.

    Attributes:
        ids: Of all tokens, special ones included, cut to the limit.
        second: Place of the first token of type 1: the text's, or of the suffix where it has none.
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


def join_pair(query: Sequence[int], text: Sequence[int], frame: Reranking, max_length: int) -> Pair:
    """Put special tokens around a query and a text.

    Args:
        query: Ids without special tokens.
        text: Likewise.
        frame: The special tokens.
        max_length: Most tokens, special ones included; at least as many as there are of those.
    """
    first, second = keep_longest_first(len(query), len(text), max_length - frame.special_count)
    opening = [*frame.prefix, *query[:first], *frame.middle]
    ids = [*opening, *text[:second], *frame.suffix]
    return Pair(ids, len(opening), len(query) + len(text) + frame.special_count)
