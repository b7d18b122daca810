"""What an encoder's weights say about themselves."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from biolord_export.checkpoint.weights import EncoderWeights, LayerNorm


def encoder(rows: int, first: int) -> EncoderWeights:
    """Make an encoder without layers."""
    norm = LayerNorm(np.ones(3, np.float32), np.zeros(3, np.float32), 1e-5)
    table = np.zeros((10, 3), np.float32)
    places = np.zeros((rows, 3), np.float32)
    return EncoderWeights("mpnet", table, places, first, "non_pad", norm, (), 1, 1, None)


@pytest.mark.parametrize(("rows", "first", "fit"), [(514, 2, 512), (512, 0, 512), (66, 2, 64)])
def test_rows_before_the_first_position_hold_no_token(rows: int, first: int, fit: int) -> None:
    """MPNet's 514 rows are 512 positions: the padding and the row before it belong to no text."""
    assert encoder(rows, first).max_positions == fit


def test_the_width_is_that_of_the_token_table() -> None:
    """A token vector has as many numbers as a row of the table."""
    assert encoder(66, 2).dim == 3


def test_weights_are_not_changed_but_replaced() -> None:
    """Quantizing makes new weights; whoever holds the old ones keeps them."""
    weights = encoder(66, 2)
    with pytest.raises(FrozenInstanceError):
        weights.heads = 2  # type: ignore[misc]
    assert (replace(weights, heads=3).heads, weights.heads) == (3, 1)
