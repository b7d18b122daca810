"""Rows cut into parts: what is encoded, written and noted as done at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.bulk.reading import Row
from biolord_onnx.encoding.batching import CHUNK_CHARACTERS
from biolord_onnx.encoding.texts import Inputs, characters

# A few seconds of work on two cores: little to lose, and still every token length often enough to fill runs.
PART_ROWS = 8192

RowNumbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive rows.

    Attributes:
        start: Number of the first row.
        stop: Number of the last row, plus one.
        texts: M different texts or pairs that no earlier part holds.
        rows: int64 [m], where each occurs first.
        copies: int64 [stop - start - m], rows whose text occurred before.
        originals: int64 [stop - start - m], where it occurred first, here or in an earlier part.
    """

    start: int
    stop: int
    texts: Inputs
    rows: RowNumbers
    copies: RowNumbers
    originals: RowNumbers


def cut(rows: Iterable[Row], most_rows: int = PART_ROWS) -> Iterator[list[Row]]:
    """Cut rows into parts.

    Args:
        rows: Any number of rows.
        most_rows: Most rows of a part; fewer if their texts are long.

    Yields:
        Lists of one row or more that follow each other.
    """
    part: list[Row] = []
    held = 0
    for row in rows:
        if part and (len(part) == most_rows or held + characters(row.content) > CHUNK_CHARACTERS):
            yield part
            part, held = [], 0
        part.append(row)
        held += characters(row.content)
    if part:
        yield part
