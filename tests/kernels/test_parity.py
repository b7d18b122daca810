"""The plain kind computes what the operators are specified to: numpy, in double precision, is close to it."""

from __future__ import annotations

import numpy as np
import pytest

from kernels import reference
from kernels.encoder import Encoder, Sizes, operator_model, whole_model
from kernels.running import hidden_feed, ids_feed, open_session, run

SIZES = [
    Sizes(layers=1),
    Sizes(dim=192, heads=4, inner=320, groups=5, layers=1, bits=4),
    Sizes(dim=128, heads=2, inner=512, groups=1, layers=1),
    Sizes(dim=128, heads=2, inner=256, layers=1, value_bits=16),
    Sizes(dim=192, heads=3, inner=192, groups=3, layers=1, bits=4, value_bits=16),
]
CLOSE = 1e-4
"""A float near the middle of two steps may be rounded the other way, which moves a result by a step of one input."""
A_STEP = 0.02
LENGTHS = (7, 33, 1)


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_half_layers(sizes: Sizes, *, relative: bool) -> None:
    """Attention and the feed-forward network."""
    encoder = Encoder.random(sizes, relative=relative)
    layer = encoder.layers[0]
    feed = hidden_feed(LENGTHS, sizes.dim)
    texts = np.split(feed["hidden"].astype(np.float64), np.cumsum(LENGTHS)[:-1])
    expected = {
        "Attention": [reference.attention(encoder, layer, text) for text in texts],
        "FeedForward": [reference.feed_forward(encoder, layer, text) for text in texts],
    }
    for op, parts in expected.items():
        (found,) = run(open_session(operator_model(encoder, op), "plain"), feed)
        errors = np.abs(found - np.concatenate(parts))
        assert np.median(errors) < CLOSE, op
        assert errors.max() < A_STEP, op


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_whole_graph(sizes: Sizes) -> None:
    """Vectors of ids, and the same of length 1."""
    encoder = Encoder.random(sizes)
    feed = ids_feed(LENGTHS, sizes.vocabulary)
    mean, unit = run(open_session(whole_model(encoder), "plain"), feed)
    for row, length in enumerate(LENGTHS):
        expected = reference.vector(encoder, feed["input_ids"][row, :length].astype(np.int64))
        assert np.abs(mean[row] - expected).max() < A_STEP
        assert unit[row] == pytest.approx(mean[row] / np.linalg.norm(mean[row].astype(np.float64)), abs=1e-6)


def test_embedding_is_exact_but_for_float32() -> None:
    """No 8-bit activations: only float32's own steps remain."""
    encoder = Encoder.random(Sizes(dim=128))
    feed = ids_feed([9], encoder.sizes.vocabulary)
    hidden, starts = run(open_session(operator_model(encoder, "Embed"), "plain"), feed)
    assert hidden == pytest.approx(reference.embed(encoder, feed["input_ids"][0].astype(np.int64)), abs=1e-5)
    assert starts.tolist() == [0, 9]
