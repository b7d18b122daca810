"""Candidates as numbers: the row in the index and the score of each. The index knows the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.index.tables.names import normalize_name

if TYPE_CHECKING:
    from biolord_onnx.index.hits import Hit
    from biolord_onnx.index.index import Index

Found = NDArray[np.int32]
_NONE = -1


def nothing(depth: int) -> Found:
    """Return the candidates of no term, of which each would have ``depth``."""
    return np.empty((0, 2 * depth), np.int32)


def pack(hits: Sequence[Sequence[Hit]], depth: int) -> Found:
    """Return candidates as numbers.

    Args:
        hits: Of n terms, at most ``depth`` each.
        depth: Places for candidates.

    Returns:
        int32 [n, 2 * depth]: rows, -1 behind the last, and then the bits of float32 scores.
    """
    rows = np.full((len(hits), depth), _NONE, np.int32)
    scores = np.zeros((len(hits), depth), np.float32)
    for at, some in enumerate(hits):
        rows[at, : len(some)] = [hit.row for hit in some]
        scores[at, : len(some)] = [hit.score for hit in some]
    return np.concatenate([rows, scores.view(np.int32)], axis=1)


def unpack(found: NDArray[np.generic], index: Index, text: str) -> list[Hit]:
    """Return the candidates of a term.

    Args:
        found: int32 [2 * depth], as `pack` gave it.
        index: In which they were found.
        text: The term.
    """
    rows, scores = np.split(np.ascontiguousarray(found), 2)
    name = normalize_name(text)
    hits = [
        index.hit(row, score, exact=False)
        for row, score in zip(rows.tolist(), scores.view(np.float32).tolist(), strict=True)
        if row != _NONE
    ]
    return [index.hit(hit.row, hit.score, exact=True) if normalize_name(hit.name) == name else hit for hit in hits]
