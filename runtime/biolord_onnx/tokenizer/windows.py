"""Texts over the limit in overlapping windows, whose vectors are averaged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Neighbors share at least this part of a window: few phrases are then cut in two everywhere.
OVERLAP = 1 / 8


def cut_windows(content: list[int], room: int) -> list[list[int]]:
    """Cut a text's content tokens into as few overlapping windows as will do, at even distances.

    Args:
        content: The token ids without special ones.
        room: The most content tokens of a window, 1 or more.

    Returns:
        One window if the content fits; else two or more of ``room`` tokens that cover all.
    """
    spare = len(content) - room
    if spare <= 0:
        return [content]
    stride = room - int(room * OVERLAP)
    count = 1 + -(-spare // stride)
    starts = [spare * number // (count - 1) for number in range(count)]
    return [content[start : start + room] for start in starts]


def merge_windows(
    vectors: NDArray[np.float32], tokens: NDArray[np.int32], counts: NDArray[np.int64], *, unit: bool
) -> NDArray[np.float32]:
    """Average the vectors of each text's windows, weighted by their tokens.

    Args:
        vectors: float32 [windows, dim], the windows of a text in a row.
        tokens: int32 [windows], tokens of each.
        counts: int64 [n], windows of each text, 1 or more.
        unit: Whether the vectors have unit length and the averages must, too.

    Returns:
        float32 [n, dim]; a text of one window keeps its vector bit by bit.
    """
    starts = np.cumsum(counts) - counts
    weights = tokens.astype(np.float64)
    sums = np.add.reduceat(vectors * weights[:, np.newaxis], starts, axis=0)
    merged = sums / np.add.reduceat(weights, starts)[:, np.newaxis]
    if unit:
        merged /= np.linalg.norm(merged, axis=1, keepdims=True)
    return np.where(counts[:, np.newaxis] == 1, vectors[starts], merged.astype(np.float32))
