"""Which texts run together: pure functions over token lengths.

A batch needs only some dozens of tokens to keep an int8 matmul busy, so small batches of one token length
beat large padded ones: nothing is computed for padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.encoding.texts import Inputs, characters

# Tokens per run. More would only cost memory and cache misses: throughput is flat from a few hundred on.
DEFAULT_TOKEN_BUDGET = 256
# What starting a run costs, in tokens: with fewer, the matmuls don't get going.
RUN_TOKENS = 32
# What a text of l tokens costs a run of L beyond its own, where onnxruntime's operators run; compiled ones leave it
# out at once, and mixing lengths at will made calls of 24 mixed texts hardly faster (593 to 596 texts/s, 598 to 623).
# Attention computes padding: as much as (L² - l²) / 1000 tokens, for its share of a layer's work grows with the length
# over about that. So do queries, keys and values, a quarter of a layer's products.
PADDING_SQUARES = 1000
PADDING_SHARE = 4
# Texts tokenized at once: enough that most token lengths occur often, few enough that memory stays bounded.
CHUNK_TEXTS = 4096
CHUNK_CHARACTERS = 2_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts of one run.

    Attributes:
        indices: int64 [batch], positions of the texts.
        length: Tokens of the longest text.
    """

    indices: NDArray[np.int64]
    length: int


def chunks(texts: Inputs, most_texts: int = CHUNK_TEXTS, most_characters: int = CHUNK_CHARACTERS) -> Iterator[slice]:
    """Cut a sequence of texts or pairs into runs to tokenize at once; a text over the limit stands alone.

    Args:
        texts: Any number of texts.
        most_texts: Most texts of a chunk.
        most_characters: Most characters of a chunk.

    Yields:
        Slices that follow each other and cover all texts.
    """
    start = held = 0
    for index, text in enumerate(texts):
        more = characters(text)
        full = index - start == most_texts or held + more > most_characters
        if full and index > start:
            yield slice(start, index)
            start, held = index, 0
        held += more
    if texts:
        yield slice(start, len(texts))


def plan(lengths: NDArray[np.int32], budget: int, max_texts: int | None = None, *, padded: bool = False) -> list[Batch]:
    """Group texts of equal or, if padding is allowed, similar token length into batches within a token budget.

    Args:
        lengths: int32 [n], tokens per text, 1 or more each.
        budget: Most tokens of a batch, padding included; a longer text runs alone.
        max_texts: Most texts of a batch, or None.
        padded: Whether a batch may hold different lengths, as far as that costs less than another run would.

    Returns:
        Batches that hold every position once, longest texts first (the peak of memory comes at the start, not
        after an hour), in stable order within a length.
    """
    order = np.argsort(-lengths, kind="stable")
    descending = lengths[order].tolist()
    batches, start = [], 0
    while start < len(descending):
        longest = descending[start]
        size = max(1, budget // longest)
        stop = start + (size if max_texts is None else min(size, max_texts))
        stop = start + _take(descending[start:stop], RUN_TOKENS if padded else 0)
        batches.append(Batch(order[start:stop], longest))
        start = stop
    return batches


def _take(descending: list[int], tokens: int) -> int:
    """Count the texts, longest first, whose padding to the first one's length costs at most as much as some tokens."""
    longest = descending[0]
    left = tokens * PADDING_SQUARES * PADDING_SHARE
    for taken, length in enumerate(descending):
        left -= PADDING_SHARE * (longest**2 - length**2) + PADDING_SQUARES * (longest - length)
        if left < 0:
            return taken
    return len(descending)


def share_budget(tokens: int, workers: int, budget: int) -> int:
    """Lower a token budget so that a small job has a run for every worker, but no run too small to be worth it.

    Args:
        tokens: Of all texts together.
        workers: Runs at once.
        budget: Most tokens of a run.
    """
    return min(budget, max(-(-tokens // workers), 4 * RUN_TOKENS))


def batch_arrays(
    ids: Sequence[Sequence[int]], batch: Batch, pad_id: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Build a batch's inputs, shorter texts padded on the right.

    Args:
        ids: Token ids of all texts.
        batch: The texts to take.
        pad_id: The id to pad with.

    Returns:
        ``input_ids`` and ``attention_mask``, int64 [batch, length] each.
    """
    rows = [ids[index] for index in batch.indices.tolist()]
    shape = (len(rows), batch.length)
    if all(len(row) == batch.length for row in rows):
        return np.array(rows, dtype=np.int64).reshape(shape), np.ones(shape, dtype=np.int64)
    input_ids = np.full(shape, pad_id, dtype=np.int64)
    attention_mask = np.zeros(shape, dtype=np.int64)
    for row, row_ids in enumerate(rows):
        input_ids[row, : len(row_ids)] = row_ids
        attention_mask[row, : len(row_ids)] = 1
    return input_ids, attention_mask
