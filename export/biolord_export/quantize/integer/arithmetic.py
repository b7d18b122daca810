"""What the compiled operators make of inputs of linear layers, in numpy: for measuring what rounding costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biolord_export.quantize.integer.weight import dense
from biolord_export.quantize.token_grid import round_tokens

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import Float32
    from biolord_export.kernels.layers import AttentionWeights, FeedForwardWeights, IntegerLinear


def project(attention: AttentionWeights, x: Float32) -> Float32:
    """Make queries, keys and values of a layer's input: float32 [tokens, dim] to [tokens, 3 * dim]."""
    smoothed = _smooth(attention.smoothing, x)
    narrow, wide = round_tokens(smoothed), round_tokens(smoothed, attention.value_bits)
    values = slice(2 * x.shape[1], None)
    found = multiply(attention.qkv, narrow)
    found[:, values] = multiply(attention.qkv, wide)[:, values]
    return found


def project_mixed(attention: AttentionWeights, mixed: Float32) -> Float32:
    """Project mixed values, centered and smoothed as ``qkv`` yields them, float32 [tokens, dim]."""
    return multiply(attention.output, round_tokens(mixed))


def expand(feed_forward: FeedForwardWeights, x: Float32) -> Float32:
    """Make the inner channels, in the order of ``second``, before the GELU: float32 [tokens, inner]."""
    return multiply(feed_forward.first, round_tokens(_smooth(feed_forward.smoothing, x)))


def contract(feed_forward: FeedForwardWeights, inner: Float32) -> Float32:
    """Make the output of inner channels in the order of ``second``, float32 [tokens, dim]."""
    ends = np.cumsum([len(one.values) for one in feed_forward.second])
    groups = np.split(inner, ends[:-1], axis=1)
    parts = [multiply(one, round_tokens(x)) for one, x in zip(feed_forward.second, groups, strict=True)]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float32)


def multiply(linear: IntegerLinear, x: Float32) -> Float32:
    """Multiply rounded inputs with a layer's weight and add its bias."""
    return np.asarray(x @ dense(linear.values, linear.scale, linear.group_scales) + linear.bias, dtype=np.float32)


def _smooth(smoothing: Float32, x: Float32) -> Float32:
    return np.asarray(x * smoothing[0] + smoothing[1], dtype=np.float32)
