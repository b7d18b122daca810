"""The exporter's numpy model of activations and products is what the plain kind computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_export.kernels.layers import AttentionWeights, FeedForwardWeights, IntegerLinear
from biolord_export.quantize.integer.arithmetic import contract, expand, project, project_mixed
from kernels.encoder import EPSILON, Encoder, Layer, Linear, Sizes, operator_model
from kernels.reference import MIXED
from kernels.running import hidden_feed, open_session, run

Floats = NDArray[np.float32]
TOKENS = 200
SIZES = [
    Sizes(dim=128, heads=2, layers=1),
    Sizes(dim=128, heads=2, layers=1, value_bits=16),
    Sizes(dim=192, heads=4, inner=320, groups=5, layers=1, bits=4),
]
FLIPPED = 0.05
"""A float near the middle of two steps may be rounded the other way; more than rarely, it is another rounding."""


def exact(encoder: Encoder) -> Encoder:
    """Take the normalization's gain and shift out of an encoder, so that its ends show what was added up."""
    dim = encoder.sizes.dim
    norm = np.stack([np.ones(dim), np.zeros(dim)]).astype(np.float32)
    return replace(encoder, norm=norm, position_bias=None)


def integer_linear(linear: Linear, group: int | None, *, biased: bool = True) -> IntegerLinear:
    """Give a made-up layer as the exporter's; whole group scales are 1, its weights being widened already."""
    scale, bias = linear.columns[1], linear.columns[2] * biased
    scales = None if group is None else np.ones((len(linear.weights) // group, len(scale)), dtype=np.int8)
    return IntegerLinear(linear.weights, scale, bias, scales)


def close(found: Floats, expected: Floats) -> None:
    """Check rows after the normalization that ends both halves."""
    centered = expected - expected.mean(axis=1, keepdims=True)
    expected = centered / np.sqrt(np.square(centered).mean(axis=1, keepdims=True) + EPSILON)
    errors = np.abs(found - expected).max(axis=1)
    assert np.median(errors) < 1e-5
    assert (errors > 1e-4).mean() < FLIPPED


def made_up(sizes: Sizes) -> tuple[Encoder, Layer, Floats]:
    """Make an encoder, its layer, and hidden rows of texts of one token each."""
    encoder = exact(Encoder.random(sizes))
    return encoder, encoder.layers[0], hidden_feed([1] * TOKENS, sizes.dim)["hidden"]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_attention(sizes: Sizes) -> None:
    """A text of one token attends to itself alone, so its values are what is projected."""
    encoder, layer, hidden = made_up(sizes)
    group = 32 if sizes.bits == 4 else None
    weights = AttentionWeights(
        encoder.smoothing, integer_linear(layer.qkv, group), integer_linear(layer.out, group), sizes.value_bits
    )
    feed = hidden_feed([1] * TOKENS, sizes.dim)
    (found,) = run(open_session(operator_model(encoder, "Attention"), "plain"), feed)
    values = project(weights, hidden)[:, 2 * sizes.dim :].reshape(TOKENS, sizes.heads, -1)
    steps = np.abs(values).max(axis=2, keepdims=True) / MIXED
    values = (np.rint(values / steps) * steps).reshape(TOKENS, sizes.dim)
    close(found, hidden + project_mixed(weights, values))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_feed_forward(sizes: Sizes) -> None:
    """Biases so large that a GELU passes its inputs on leave roundings and products alone to compare."""
    encoder, layer, hidden = made_up(sizes)
    raised = layer.first.columns.copy()
    raised[2] += 200
    layer = replace(layer, first=replace(layer.first, columns=raised))
    group = 32 if sizes.bits == 4 else None
    weights = FeedForwardWeights(
        encoder.smoothing,
        integer_linear(layer.first, group),
        tuple(integer_linear(each, group, biased=number == 0) for number, each in enumerate(layer.second)),
    )
    encoder = replace(encoder, layers=(layer,))
    (found,) = run(open_session(operator_model(encoder, "FeedForward"), "plain"), {"hidden": hidden})
    close(found, hidden + contract(weights, expand(weights, hidden)))
