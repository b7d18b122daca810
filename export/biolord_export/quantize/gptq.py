"""GPTQ (Frantar et al. 2022): round a weight matrix so that its product with real activations stays the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from biolord_export.checkpoint.weights import Float32

    Rounder = Callable[[int, Float32], Float32]

DAMPING = 0.01
"""Share of the mean diagonal added to the Hessian, so that inputs that hardly vary can be inverted (the paper's)."""
BLOCK = 64
"""Rows rounded before the error is spread over all later rows at once."""
LEAF = 128
"""Rows of a triangle that are inverted at once."""


def spread_rounding(weight: Float32, hessian: Float32, rounder: Rounder) -> None:
    """Round a weight row by row, each row's rounding error spread over the rows still to come.

    Args:
        weight: float32 [inputs, outputs]; overwritten with the values that were rounded to.
        hessian: float32 [inputs, inputs], the sum of ``x^T x`` over calibration tokens.
        rounder: Called with a row number and that row, float32 [outputs], rows in rising order; gives the values the
            row's integers stand for.
    """
    inputs = len(weight)
    factor = inverse_factor(damp(hessian))
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


def damp(hessian: Float32) -> Float32:
    """Add to the diagonal, so that inputs that hardly vary can be inverted."""
    level = DAMPING * float(np.mean(np.diagonal(hessian), dtype=np.float64))
    damped = hessian.copy()
    damped[np.diag_indices_from(damped)] += level if level > 0 else 1.0
    return damped


def inverse_factor(hessian: Float32) -> Float32:
    """Return U, upper triangular, with ``U^T U`` the inverse of a positive definite matrix.

    From ``hessian = R R^T`` with R upper triangular follows ``U = R^-1``; inverting a triangle costs a third of
    inverting the matrix.
    """
    lower = np.linalg.cholesky(hessian[::-1, ::-1].astype(np.float64))
    return _invert_upper(np.ascontiguousarray(lower[::-1, ::-1], dtype=np.float32))


def _invert_upper(triangle: Float32) -> Float32:
    size = len(triangle)
    if size <= LEAF:
        return np.asarray(np.triu(np.linalg.inv(triangle.astype(np.float64))), dtype=np.float32)
    half = size // 2
    inverse = np.zeros_like(triangle)
    inverse[:half, :half] = _invert_upper(triangle[:half, :half])
    inverse[half:, half:] = _invert_upper(triangle[half:, half:])
    inverse[:half, half:] = -inverse[:half, :half] @ triangle[:half, half:] @ inverse[half:, half:]
    return inverse
