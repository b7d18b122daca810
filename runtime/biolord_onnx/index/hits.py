"""What a search gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """A name of an index, and how near it is to a query.

    Attributes:
        code: that the name stands for, None where the index has no codes.
        name: the name; of a code with several, the one that matched best.
        score: cosine to the query, of the vectors as they are stored; 1 for a code that was looked up.
        row: of the name in the index, from 0.
        exact: whether query and name are equal but for case, width and spaces.
        kept: the columns that the index keeps beside, by their names.
    """

    code: str | None
    name: str
    score: float
    row: int
    exact: bool
    kept: Mapping[str, str]
