"""Which texts run together: pure functions over token lengths.

A batch needs only some dozens of tokens to keep an int8 matmul busy, so small batches of one token length
beat large padded ones: nothing is computed for padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Tokens per run. More would only cost memory and cache misses: throughput is flat from a few hundred on.
DEFAULT_TOKEN_BUDGET = 1024
# Texts tokenized at once: enough that most token lengths occur often, few enough that memory stays bounded.
CHUNK_TEXTS = 4096
CHUNK_CHARACTERS = 2_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts of one run.

    Attributes:
        indices: int64 [batch], positions of the texts.
        length: tokens of the longest text.
    """

    indices: NDArray[np.int64]
    length: int


def chunks(
    texts: Sequence[str], most_texts: int = CHUNK_TEXTS, most_characters: int = CHUNK_CHARACTERS
) -> Iterator[slice]:
    """Cut a sequence of texts into runs to tokenize at once; a text over the limit stands alone.

    Args:
        texts: any number of texts.
        most_texts: most texts of a chunk.
        most_characters: most characters of a chunk.

    Yields:
        Slices that follow each other and cover all texts.
    """
    start = characters = 0
    for index, text in enumerate(texts):
        full = index - start == most_texts or characters + len(text) > most_characters
        if full and index > start:
            yield slice(start, index)
            start, characters = index, 0
        characters += len(text)
    if texts:
        yield slice(start, len(texts))


def plan(lengths: NDArray[np.int32], budget: int, max_texts: int | None = None) -> list[Batch]:
    """Group texts of equal token length into batches within a token budget.

    Args:
        lengths: int32 [n], tokens per text, 1 or more each.
        budget: most tokens of a batch; a longer text runs alone.
        max_texts: most texts of a batch, or None.

    Returns:
        Batches that hold every position once, longest texts first (the peak of memory comes at the start, not
        after an hour), in stable order within a length.
    """
    order = np.argsort(-lengths, kind="stable")
    negated, starts = np.unique(-lengths[order], return_index=True)
    batches = []
    # Split before every start: what stands before the first one is empty.
    for length, group in zip((-negated).tolist(), np.split(order, starts)[1:], strict=True):
        fitting = max(1, budget // length)
        size = fitting if max_texts is None else min(fitting, max_texts)
        batches += [Batch(group[at : at + size], length) for at in range(0, len(group), size)]
    return batches


def batch_arrays(
    ids: Sequence[Sequence[int]], batch: Batch, pad_id: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Build a batch's inputs, shorter texts padded on the right.

    Args:
        ids: token ids of all texts.
        batch: the texts to take.
        pad_id: the id to pad with.

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
