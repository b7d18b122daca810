"""Candidates put in order: exact names first, then by score, then by row."""

from __future__ import annotations

import numpy as np

from biolord_onnx.errors import ArtifactError
from biolord_onnx.index.folder import IndexFolder
from biolord_onnx.index.hits import Hit
from biolord_onnx.index.packing import Vectors
from biolord_onnx.index.scoring import score
from biolord_onnx.index.wanted import Rows, Wanted

_LARGEST_COSINE = 1.5
"""Of vectors that are stored in 8 bits."""


def rank(folder: IndexFolder, query: Vectors, rows: Rows, wanted: Wanted, text: str | None) -> list[Hit]:
    """Return the hits of a query.

    Args:
        folder: The index.
        query: float32 [dim], of length 1.
        rows: Candidates in order, with all that are nearest among them.
        wanted: How many, and which rows count.
        text: Of the query; None if it is a vector.

    Raises:
        ArtifactError: A file holds something else than was written.
    """
    exact = _equal_rows(folder, wanted, text)
    rows = np.union1d(rows, exact)
    scores = score(folder.vectors, rows, query)
    is_exact = np.isin(rows, exact)
    order = np.lexsort((rows, -scores, ~is_exact))
    order = order[is_exact[order] | (scores[order] >= wanted.least)]
    if wanted.groups is not None:
        _, first = np.unique(wanted.groups[rows[order]], return_index=True)
        order = order[np.sort(first)]
    order = order[: wanted.top]
    if not (np.abs(scores[order]) <= _LARGEST_COSINE).all():
        raise ArtifactError(f"{folder.path}: a cosine is larger than 1, a file is damaged: copy the folder again")
    return [folder.hit(int(rows[at]), float(scores[at]), exact=bool(is_exact[at])) for at in order]


def _equal_rows(folder: IndexFolder, wanted: Wanted, text: str | None) -> Rows:
    rows = np.array([] if text is None else folder.names.equal_to(text), np.int64)
    return rows if wanted.mask is None else rows[wanted.mask[rows]]
