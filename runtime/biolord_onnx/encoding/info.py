"""What an encoding says beside its vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.encoding.precision import Vectors


@dataclass(frozen=True, slots=True)
class EncodeInfo:
    """Vectors and what was done to the texts.

    A single string gives arrays of one dimension less.

    Attributes:
        vectors: [n, dim].
        token_counts: int32 [n], tokens per text before any cut, special tokens included.
        truncated: bool [n], which texts were cut to the limit; none with ``overflow="window"``.
    """

    vectors: Vectors
    token_counts: NDArray[np.int32]
    truncated: NDArray[np.bool_]
