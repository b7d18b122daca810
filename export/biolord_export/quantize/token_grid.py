"""The grid that the compiled operators round a token's activations to, in numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import Float32

SMALLEST_RANGE = np.float32(1e-20)


def round_tokens(x: Float32, bits: int = 8) -> Float32:
    """Round each row to a grid of its own, which ends at the row's lowest and highest value and holds 0.

    Args:
        x: float32 [tokens, inputs].
        bits: 8 or 16.

    Returns:
        What the integers stand for, float32 [tokens, inputs].
    """
    levels = np.float32((1 << bits) - 1)
    lowest = np.minimum(x.min(axis=1, keepdims=True), 0)
    span = np.maximum(np.maximum(x.max(axis=1, keepdims=True), 0) - lowest, SMALLEST_RANGE)
    step, zero = span / levels, np.rint(-lowest * (levels / span))
    integers = np.clip(np.rint(x * (1 / step) + zero), 0, levels)
    return np.asarray((integers - zero) * step, dtype=np.float32)
