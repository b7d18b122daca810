"""The operators in numpy, in double precision, with the roundings to 8 and 16 bits of kernels/README.md."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.encoder import EPSILON, Encoder, Layer, Linear

Doubles = NDArray[Any]
MIXED = 16384
"""What the weights of a query are rounded to add up to, and what values reach."""
CHUNK = 512
"""Keys whose weights are rounded together."""
_erf = np.vectorize(math.erf, otypes=[np.float64])


def layer_norm(x: Doubles, encoder: Encoder) -> Doubles:
    """Normalize rows."""
    gain, shift = encoder.norm.astype(np.float64)
    centered = x - x.mean(axis=1, keepdims=True)
    return np.asarray(centered / np.sqrt((centered**2).mean(axis=1, keepdims=True) + EPSILON) * gain + shift)


def rounded(x: Doubles, bits: int = 8) -> Doubles:
    """Round each row to its own grid of 256 values, or of more bits, and return it as floats again."""
    most = 2**bits - 1
    low, high = np.minimum(x.min(axis=1, keepdims=True), 0), np.maximum(x.max(axis=1, keepdims=True), 0)
    step = np.maximum(high - low, 1e-20) / most
    zero = np.rint(-low / step)
    return np.asarray((np.clip(np.rint(x / step + zero), 0, most) - zero) * step)


def attend(
    q: Doubles, k: Doubles, v: Doubles, bias: Doubles | float = 0, seen: NDArray[np.bool_] | None = None
) -> Doubles:
    """Mix the values of every head, of shape [heads, tokens, width], each query those of the keys that it sees.

    Args:
        q: Queries.
        k: Keys.
        v: Values.
        bias: Added to scores.
        seen: Of shape [tokens, tokens], which keys each query sees; None: all.
    """
    width = q.shape[2]
    most = max(2**n for n in range(15) if width * 4**n <= 2**30)
    scores = _whole(q, most) @ _whole(k, most).transpose(0, 2, 1) / math.sqrt(width) + bias
    weights = np.exp(scores - np.where(True if seen is None else seen, scores, -np.inf).max(axis=2, keepdims=True))
    weights = weights * (1 if seen is None else seen)
    total, values = weights.sum(axis=2, keepdims=True), _whole(v, MIXED)
    mixed = np.zeros_like(v)
    for first in range(0, v.shape[1], CHUNK):
        part = weights[:, :, first : first + CHUNK]
        sums = np.maximum(part.sum(axis=2, keepdims=True), 1e-30)
        mixed += np.rint(part / sums * MIXED) / MIXED * sums / total @ values[:, first : first + CHUNK]
    return mixed


def _whole(x: Doubles, most: int) -> Doubles:
    """Round heads to a grid each, even around 0, and return them as floats again."""
    step = np.maximum(np.abs(x).max(axis=(1, 2), keepdims=True), 1e-20) / most
    return np.asarray(np.rint(x / step) * step)


def linear(x: Doubles, layer: Linear) -> Doubles:
    """Multiply what was rounded, without the bias."""
    return np.asarray(x @ layer.weights.astype(np.float64) * layer.columns[1].astype(np.float64))


def smoothed(x: Doubles, encoder: Encoder) -> Doubles:
    """Scale and shift channels before they are rounded."""
    return np.asarray(x * encoder.smoothing[0].astype(np.float64) + encoder.smoothing[1].astype(np.float64))


def embed(encoder: Encoder, ids: NDArray[np.int64]) -> Doubles:
    """Embed one text."""
    scales = np.repeat(encoder.token_scales[ids].astype(np.float64), 64, axis=1)
    return layer_norm(encoder.table[ids] * scales + encoder.positions[: len(ids)], encoder)


def attention(encoder: Encoder, layer: Layer, x: Doubles) -> Doubles:
    """The first half of a layer, on one text."""
    length, dim = x.shape
    heads = encoder.sizes.heads
    queries_and_keys, values = (
        linear(rounded(smoothed(x, encoder), bits), layer.qkv) + layer.qkv.columns[2]
        for bits in (8, encoder.sizes.value_bits)
    )
    qkv = np.concatenate([queries_and_keys[:, : 2 * dim], values[:, 2 * dim :]], axis=1)
    q, k, v = qkv.reshape(length, 3, heads, dim // heads).transpose(1, 2, 0, 3)
    bias: Doubles | float = 0
    if encoder.position_bias is not None:
        at = encoder.sizes.positions - 1 + np.arange(length)[None] - np.arange(length)[:, None]
        bias = encoder.position_bias[:, at]
    mixed = attend(q, k, v, bias).transpose(1, 0, 2).reshape(length, dim)
    return layer_norm(x + linear(rounded(mixed), layer.out) + layer.out.columns[2], encoder)


def feed_forward(encoder: Encoder, layer: Layer, x: Doubles) -> Doubles:
    """The second half of a layer."""
    inner = linear(rounded(smoothed(x, encoder)), layer.first) + layer.first.columns[2]
    inner = inner * (1 + _erf(inner / math.sqrt(2))) / 2
    groups = np.split(inner, np.cumsum(encoder.sizes.widths)[:-1], axis=1)
    total = sum(
        (linear(rounded(part), group) for part, group in zip(groups, layer.second, strict=True)), np.zeros_like(x)
    )
    return layer_norm(x + total + layer.second[0].columns[2], encoder)


def vector(encoder: Encoder, ids: NDArray[np.int64]) -> Doubles:
    """Return a text's mean vector."""
    x = embed(encoder, ids)
    for layer in encoder.layers:
        x = feed_forward(encoder, layer, attention(encoder, layer, x))
    return np.asarray(x.mean(axis=0))
