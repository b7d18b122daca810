"""What a search looks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.index.tables.column import Numbers

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Attributes:
        top: How many of the nearest are wanted.
        least: Smallest cosine that counts.
        groups: int32 [rows]: rows of one group count as one; None to count rows.
        mask: bool [rows]: which rows count; None for all.
    """

    top: int
    least: float = -2.0
    groups: Numbers | None = None
    mask: NDArray[np.bool_] | None = None
