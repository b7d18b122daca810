"""GPTQ (Frantar et al. 2022): round a weight matrix so that its product with real activations stays the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from biolord_export.weights import Float32

    Float64 = NDArray[np.float64]
    Rounder = Callable[[int, Float32], Float32]

DAMPING = 0.01
"""Share of the mean diagonal added to the Hessian, so that inputs that hardly vary can be inverted (the paper's)."""
BLOCK = 64
"""Rows rounded before the error is spread over all later rows at once."""


def spread_rounding(weight: Float32, hessian: Float32, rounder: Rounder) -> None:
    """Round a weight row by row, each row's rounding error spread over the rows still to come.

    Args:
        weight: float32 [inputs, outputs]; overwritten with the values that were rounded to.
        hessian: float32 [inputs, inputs], the sum of ``x^T x`` over calibration tokens.
        rounder: Called with a row number and that row, float32 [outputs], rows in rising order; gives the values the
            row's integers stand for.
    """
    inputs = len(weight)
    factor = _inverse_factor(hessian)
    for start in range(0, inputs, BLOCK):
        stop = min(start + BLOCK, inputs)
        errors = np.empty((stop - start, weight.shape[1]), dtype=np.float32)
        for row in range(start, stop):
            rounded = rounder(row, weight[row])
            error = (weight[row] - rounded) / factor[row, row]
            weight[row] = rounded
            errors[row - start] = error
            weight[row + 1 : stop] -= np.outer(factor[row, row + 1 : stop], error)
        weight[stop:] -= factor[start:stop, stop:].T @ errors


def _inverse_factor(hessian: Float32) -> Float32:
    """Return U, upper triangular, with ``U^T U`` the inverse of the damped Hessian."""
    damped = hessian.astype(np.float64)
    level = DAMPING * float(np.mean(np.diagonal(damped)))
    damped[np.diag_indices_from(damped)] += level if level > 0 else 1.0
    upper: Float64 = np.linalg.cholesky(np.linalg.inv(damped)).T
    return np.ascontiguousarray(upper, dtype=np.float32)
