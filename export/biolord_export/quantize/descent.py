"""Revisit every rounded weight now that all of the others are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import Float32

BLOCK = 64
"""Inputs whose changes reach the other inputs' slopes together."""


def descend(values: Float32, steps: Float32, gradient: Float32, hessian: Float32, ends: tuple[int, int]) -> Float32:
    """Move one integer at a time to where the output's error is smallest while the others stay: coordinate descent.

    Args:
        values: Whole numbers, float32 [inputs, outputs].
        steps: What each of them is multiplied with, of the same shape.
        gradient: ``hessian @ (exact - values * steps)``, of the same shape; kept up with the values.
        hessian: float32 [inputs, inputs], positive on its diagonal.
        ends: The lowest and the highest number there is.

    Returns:
        The whole numbers after each was visited once.
    """
    values = values.copy()
    for start in range(0, len(values), BLOCK):
        rows = slice(start, start + BLOCK)
        moved = _move(values[rows], steps[rows], gradient[rows], hessian[rows, rows], ends)
        gradient -= hessian[:, rows] @ ((moved - values[rows]) * steps[rows])
        values[rows] = moved
    return values


def _move(values: Float32, steps: Float32, gradient: Float32, hessian: Float32, ends: tuple[int, int]) -> Float32:
    moved, changes = values.copy(), np.zeros_like(values)
    for row in range(len(values)):
        slope = gradient[row] - hessian[row, :row] @ changes[:row]
        moved[row] = np.clip(np.rint(values[row] + slope / (hessian[row, row] * steps[row])), *ends)
        changes[row] = (moved[row] - values[row]) * steps[row]
    return moved
