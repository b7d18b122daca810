"""A term and what it may mean, as files of links hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from biolord_onnx.io.rows import Row
from biolord_onnx.link.mapping_sets import MappingSet

if TYPE_CHECKING:
    from biolord_onnx.index.hits import Hit


@dataclass(frozen=True, slots=True)
class Link:
    """A term and its candidates.

    Attributes:
        row: The term, its id and the columns kept of it.
        hits: The candidates, best first; none where nothing in the index is near enough.
    """

    row: Row
    hits: Sequence[Hit]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is known about all links of a file.

    Attributes:
        text: What the terms' column is called.
        id: What the column of ids is called, None where terms have none.
        kept: Columns of the input that are kept, as in `Row.more`.
        columns: Columns that the index has kept, as in `Hit.kept`.
        no_match: Stands for the code of a term without candidates.
        frequency: The kept column that counts how often a term occurs, for Usagi.
        mapping_set: What SSSOM asks about the whole.
    """

    text: str
    id: str | None = None
    kept: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    no_match: str = ""
    frequency: str | None = None
    mapping_set: MappingSet = field(default_factory=MappingSet)


def as_compared(min_score: float) -> float:
    """Return a threshold as scores are compared with it, in float32: what is shown as 0.9 is as high as 0.9."""
    return float(np.float32(min_score))


def shown(score: float) -> str:
    """Write a score with the digits that tell it from every other float32."""
    return str(np.float32(score))
