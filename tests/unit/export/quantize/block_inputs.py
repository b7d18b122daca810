"""Correlated inputs, and their statistics, for the tests of quantizers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biolord_export.calibration.collect import InputStatistics
from biolord_export.checkpoint.weights import Linear


def random(*shape: int, seed: int = 1) -> NDArray[np.float32]:
    """Draw from a normal distribution."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def correlated(tokens: int, inputs: int, seed: int = 1) -> NDArray[np.float32]:
    """Draw inputs that share a few directions, some channels far larger than others, with a mean that isn't 0."""
    shared = random(tokens, max(inputs // 4, 1), seed=seed) @ random(max(inputs // 4, 1), inputs, seed=7)
    spread = np.geomspace(0.1, 10, inputs).astype(np.float32)
    return np.asarray((shared + 0.3 * random(tokens, inputs, seed=seed + 100) + 1) * np.roll(spread, inputs // 3))


def seen(inputs: int, tokens: int = 600) -> InputStatistics:
    """Make the statistics of such inputs; the tokens held back are new draws."""
    rows = correlated(tokens, inputs)
    mean = rows.mean(axis=0)
    return InputStatistics(
        count=tokens,
        mean=mean,
        covariance=(rows - mean).T @ (rows - mean),
        lowest=rows.min(axis=0),
        highest=rows.max(axis=0),
        held_out=correlated(200, inputs, seed=2),
        degenerate=np.empty((0, inputs), dtype=np.float32),
    )


def random_linear(inputs: int, outputs: int, seed: int = 3) -> Linear:
    """Make a linear layer."""
    return Linear(random(inputs, outputs, seed=seed), random(outputs, seed=seed + 1))


def relative(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Length of a difference over length of what was expected."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
