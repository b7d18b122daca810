"""Texts on their way to token ids: checked, and handed to the lanes in shares."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import orjson
import tokenizers

from biolord_onnx.server.problems import INVALID, TOO_LONG, ApiError
from biolord_onnx.server.work.lanes import Lane
from biolord_onnx.tokenizer.tokenizer import TokenizedTexts, Tokenizer

T = TypeVar("T")
SHARE = 8192
"""Characters that are tokenized in one go, in a few milliseconds; a longer text is a share of its own."""
ROWS = 256
"""Tokens that are written in one go, in a third of a millisecond."""
TEXT_COST = 16
"""Characters that a text costs beside its own."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token ids of n texts.

    Attributes:
        ids: Per text, special tokens included, cut to the limit.
        truncated: How many texts were cut.
    """

    ids: list[list[int]]
    truncated: int

    @property
    def count(self) -> int:
        """Tokens of all texts together."""
        return sum(map(len, self.ids))


@dataclass(frozen=True, slots=True)
class Lanes:
    """Threads that tokenize.

    Attributes:
        quick: For shares that take no time.
        heavy: For single long texts, large bodies and large answers: none of these makes a query wait.
    """

    quick: Lane
    heavy: Lane

    async def in_shares(self, texts: Sequence[str], do: Callable[[Sequence[str]], T]) -> list[T]:
        """Do something with all texts, a share after the other, so that those of other requests come in between."""
        done = []
        for cost, some in shares(texts):
            lane = self.quick if cost <= SHARE else self.heavy
            done.append(await lane.run(cost, partial(do, some)))
        return done

    def close(self) -> None:
        """End the threads."""
        self.quick.close()
        self.heavy.close()


def shares(texts: Sequence[str], most: int = SHARE, each: int = TEXT_COST) -> Iterator[tuple[int, Sequence[str]]]:
    """Cut texts into runs of at most so many characters, or of one text; yields what each costs, and its texts.

    Args:
        texts: One or more.
        most: Characters of a run.
        each: What a text costs beside its own characters.
    """
    start, cost = 0, 0
    for place, text in enumerate(texts):
        own = len(text) + each
        if place > start and cost + own > most:
            yield cost, texts[start:place]
            start, cost = place, 0
        cost += own
    yield cost, texts[start:]


def together(found: Sequence[TokenizedTexts], limit: int, *, cut: bool) -> Tokens:
    """Put shares together again.

    Raises:
        ApiError: Texts are over the limit, and are not to be cut.
    """
    full = np.concatenate([some.full_lengths for some in found])
    long = np.flatnonzero(np.concatenate([some.truncated for some in found]))
    if long.size and not cut:
        first = long[0]
        raise ApiError(
            TOO_LONG,
            f"text {first} has {full[first]} tokens, the limit is {limit} ({long.size} of {len(full)} texts are "
            'longer): shorten them, or cut them with "truncate": true',
        )
    return Tokens([ids for some in found for ids in some.ids], int(long.size))


def check_ids(lists: Sequence[list[int]], tokenizer: Tokenizer, limit: int) -> Tokens:
    """Take token ids that are framed as this model's are.

    Others are another model's, such as OpenAI's own, which its clients send unless told otherwise: they would give
    vectors that mean nothing.

    Raises:
        ApiError: They aren't, or are more than the limit.
    """
    prefix, suffix, known = [*tokenizer.prefix], [*tokenizer.suffix], tokenizer.vocabulary
    for number, ids in enumerate(lists):
        content = len(ids) - len(suffix)
        framed = content >= len(prefix) and ids[: len(prefix)] == prefix and ids[content:] == suffix
        if not framed or not all(0 <= one < known for one in ids):
            raise ApiError(
                INVALID,
                f"input: token ids {number} are not this model's (below {known}, {prefix} … {suffix}, as /tokenize "
                "gives them): send texts, with langchain-openai by check_embedding_ctx_length=False",
            )
        if len(ids) > limit:
            raise ApiError(TOO_LONG, f"token ids {number} are {len(ids)}, the limit is {limit}: send fewer")
    return Tokens([*lists], 0)


def described(tokenizer: Tokenizer, texts: Sequence[str], *, special: bool) -> bytes:
    """Write the tokens of texts, uncut, as text-embeddings-inference does."""
    found = tokenizer.tokenizer.encode_batch([*texts])
    return b"[%b]" % b",".join(b"[%b]" % b",".join(_rows(one, special=special)) for one in found)


def _rows(encoding: tokenizers.Encoding, *, special: bool) -> Iterator[bytes]:
    """Write a text's tokens, some at a time, and rest as long as each took: this is the interpreter's time."""
    rows = zip(encoding.ids, encoding.tokens, encoding.special_tokens_mask, encoding.offsets, strict=True)
    while some := [*islice(rows, ROWS)]:
        began = time.perf_counter()
        if written := [_row(*row) for row in some if special or not row[2]]:
            yield orjson.dumps(written)[1:-1]
        if len(some) == ROWS:
            time.sleep(time.perf_counter() - began)


def _row(number: int, token: str, is_special: int, offsets: tuple[int, int]) -> dict[str, Any]:
    start, stop = (None, None) if is_special else offsets
    return {"id": number, "text": token, "special": bool(is_special), "start": start, "stop": stop}
