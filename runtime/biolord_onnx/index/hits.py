"""What a search gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """A name of an index, and how near it is to a query.

    Attributes:
        code: That the name stands for, None where the index has no codes.
        name: The name; of a code with several, the one that matched best.
        score: Cosine to the query, of the vectors as they are stored; 1 for a code that was looked up.
        row: Of the name in the index, from 0.
        exact: Whether query and name are equal but for case, width and spaces.
        kept: The columns that the index keeps beside, by their names.
    """

    code: str | None
    name: str
    score: float
    row: int
    exact: bool
    kept: Mapping[str, str]
