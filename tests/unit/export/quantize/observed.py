"""Statistics of inputs that a test draws itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biolord_export.calibration.collect import InputStatistics

Float32 = NDArray[np.float32]


def observe(rows: Float32, held_out: Float32 | None = None, degenerate: Float32 | None = None) -> InputStatistics:
    """Make the statistics of inputs, float32 [tokens, inputs]; unless others are given, they are held back as well."""
    mean = rows.mean(axis=0)
    return InputStatistics(
        count=len(rows),
        mean=mean,
        covariance=(rows - mean).T @ (rows - mean),
        lowest=rows.min(axis=0),
        highest=rows.max(axis=0),
        held_out=rows if held_out is None else held_out,
        degenerate=np.empty((0, rows.shape[1]), dtype=np.float32) if degenerate is None else degenerate,
    )


def output_power(difference: Float32, covariance: Float32) -> float:
    """Sum the power of an output's error over the tokens of a covariance, for a weight that is off by a difference."""
    exact = difference.astype(np.float64)
    return float(np.einsum("io,ij,jo->", exact, covariance.astype(np.float64), exact))
