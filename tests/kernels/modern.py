"""Made-up ModernBERTs in the packed form of kernels/README.md, their graphs, and what these compute in numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from kernels.encoder import EPSILON, HIDDEN, IDS, VECTORS, Bytes, Floats, Graph, Linear
from kernels.reference import Doubles, _erf, attend, linear, rounded

OPERATORS = ("EmbedTokens", "Project", "LayerNorm", "RotaryAttention", "GatedFeedForward")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of an encoder; ``projected`` is what Project makes of rows."""

    dim: int = 64
    heads: int = 2
    inner: int = 128
    groups: int = 2
    layers: int = 2
    bits: int = 8
    value_bits: int = 8
    window: int | None = 5
    group: int = 32
    positions: int = 700
    vocabulary: int = 101
    projected: int = 128


@dataclass(frozen=True, slots=True)
class Layer:
    """The linear layers of one layer; outputs of ``first`` are a group's channels, its gates, and so on."""

    qkv: Linear
    out: Linear
    first: Linear
    second: tuple[Linear, ...]


@dataclass(frozen=True, slots=True)
class Encoder:
    """Everything between token ids and vectors."""

    sizes: Sizes
    table: Bytes
    token_scales: Floats
    norm: Floats
    smoothing: Floats
    turns: Floats
    projection: Linear
    layers: tuple[Layer, ...]

    @classmethod
    def random(cls, sizes: Sizes, seed: int = 1) -> Encoder:
        """Make one from a seed."""
        random = np.random.default_rng(seed)
        dim, group, width = sizes.dim, sizes.group if sizes.bits == 4 else None, sizes.dim // sizes.heads
        layers = tuple(
            Layer(
                Linear.random(random, dim, 3 * dim, group),
                Linear.random(random, dim, dim, group),
                Linear.random(random, dim, 2 * sizes.inner, group),
                tuple(Linear.random(random, sizes.inner // sizes.groups, dim, group) for _ in range(sizes.groups)),
            )
            for _ in range(sizes.layers)
        )
        angles = np.outer(np.arange(sizes.positions), 1e4 ** (-np.arange(0, width, 2) / width))
        return cls(
            sizes,
            random.integers(-127, 128, (sizes.vocabulary, dim), dtype=np.int8),
            random.uniform(0.005, 0.02, (sizes.vocabulary, dim // 64)).astype(np.float32),
            np.stack([random.normal(1, 0.1, dim), random.normal(0, 0.1, dim)]).astype(np.float32),
            np.stack([random.uniform(0.5, 2, dim), random.normal(0, 0.2, dim)]).astype(np.float32),
            np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32),
            Linear.random(random, dim, sizes.projected, None),
            layers,
        )


class ModernGraph(Graph):
    """A graph in the making."""

    def embed_tokens(self, encoder: Encoder) -> None:
        """Token ids to hidden rows and starts."""
        tensors: tuple[NDArray[Any], ...] = (encoder.table, encoder.token_scales, encoder.norm)
        inputs = ["input_ids", "attention_mask", *map(self.constant, tensors)]
        self.node("EmbedTokens", inputs, ["hidden", "starts"], epsilon=EPSILON)

    def project(self, encoder: Encoder, to: str) -> None:
        """Rows to rows of another width."""
        tensors: tuple[NDArray[Any], ...] = (
            encoder.smoothing,
            encoder.projection.packed,
            encoder.projection.columns,
        )
        self.node("Project", [self.last(), *map(self.constant, tensors)], [to])

    def layer_norm(self, encoder: Encoder, to: str) -> None:
        """Normalize rows."""
        self.node("LayerNorm", [self.last(), self.constant(encoder.norm)], [to], epsilon=EPSILON)

    def rotary_attention(self, encoder: Encoder, layer: Layer, to: str, *, normalized: bool = False) -> None:
        """The first half of a layer."""
        tensors = (
            *(encoder.norm, layer.qkv.packed, layer.qkv.columns, layer.out.packed, layer.out.columns),
            *(encoder.turns, layer.qkv.group_scales, layer.out.group_scales),
        )
        sizes = encoder.sizes
        optional = {} if sizes.window is None else {"window": sizes.window}
        optional |= {} if sizes.value_bits == 8 else {"value_activation_bits": sizes.value_bits}
        optional |= {"normalized": 1} if normalized else {}
        inputs = [self.last(), "starts", *map(self.constant, tensors)]
        self.node("RotaryAttention", inputs, [to], heads=sizes.heads, epsilon=EPSILON, **optional)

    def gated_feed_forward(self, encoder: Encoder, layer: Layer, to: str) -> None:
        """The second half of a layer."""
        scales = [group.group_scales for group in layer.second if group.group_scales is not None]
        columns = [row for group in layer.second for row in group.columns[:2]]
        tensors = (
            *(encoder.norm, layer.first.packed, layer.first.columns),
            *(np.stack([group.packed for group in layer.second]), np.stack([*columns, layer.second[0].columns[2]])),
            *(layer.first.group_scales, np.stack(scales) if scales else None),
        )
        inputs = [self.last(), *map(self.constant, tensors)]
        self.node("GatedFeedForward", inputs, [to], groups=encoder.sizes.groups, epsilon=EPSILON)


def whole_model(encoder: Encoder) -> ModelProto:
    """Make the graph from ids to vectors."""
    graph = ModernGraph()
    graph.embed_tokens(encoder)
    for number, layer in enumerate(encoder.layers):
        graph.rotary_attention(encoder, layer, f"attended{number}", normalized=number == 0)
        graph.gated_feed_forward(encoder, layer, f"layer{number}")
    graph.layer_norm(encoder, "normed")
    graph.pool()
    return graph.model(IDS, VECTORS)


def operator_model(encoder: Encoder, op: str, *, normalized: bool = False) -> ModelProto:
    """Make the graph of one operator on the first layer's weights."""
    graph, result = ModernGraph(), {"result": TensorProto.FLOAT}
    if op == "EmbedTokens":
        graph.embed_tokens(encoder)
        return graph.model(IDS, HIDDEN)
    if op == "RotaryAttention":
        graph.rotary_attention(encoder, encoder.layers[0], "result", normalized=normalized)
        return graph.model(HIDDEN, result)
    if op == "GatedFeedForward":
        graph.gated_feed_forward(encoder, encoder.layers[0], "result")
    elif op == "Project":
        graph.project(encoder, "result")
    else:
        graph.layer_norm(encoder, "result")
    return graph.model({"hidden": TensorProto.FLOAT}, result)


def layer_norm(x: Doubles, encoder: Encoder) -> Doubles:
    """Normalize rows."""
    gain, shift = encoder.norm.astype(np.float64)
    centered = x - x.mean(axis=1, keepdims=True)
    return np.asarray(centered / np.sqrt((centered**2).mean(axis=1, keepdims=True) + EPSILON) * gain + shift)


def embed(encoder: Encoder, ids: NDArray[np.int64]) -> Doubles:
    """Embed one text."""
    return layer_norm(encoder.table[ids] * np.repeat(encoder.token_scales[ids].astype(np.float64), 64, axis=1), encoder)


def project(encoder: Encoder, x: Doubles) -> Doubles:
    """Multiply rows, rounded to 16 bits."""
    smoothed = x * encoder.smoothing[0].astype(np.float64) + encoder.smoothing[1].astype(np.float64)
    return np.asarray(linear(rounded(smoothed, 16), encoder.projection) + encoder.projection.columns[2])


def rotary_attention(encoder: Encoder, layer: Layer, x: Doubles, *, normalized: bool = False) -> Doubles:
    """The first half of a layer, on one text."""
    length, dim = x.shape
    sizes, gain, shift = encoder.sizes, *encoder.norm.astype(np.float64)
    width = dim // sizes.heads
    row = x * gain + shift if normalized else layer_norm(x, encoder)
    narrow, wide = (
        linear(rounded(row, bits), layer.qkv) + layer.qkv.columns[2].astype(np.float64)
        for bits in (8, sizes.value_bits)
    )
    q, k, v = (
        np.concatenate([narrow[:, : 2 * dim], wide[:, 2 * dim :]], axis=1)
        .reshape(length, 3, sizes.heads, width)
        .transpose(1, 2, 0, 3)
    )
    q, k = (_turn(each, encoder.turns[:length].astype(np.float64)) for each in (q, k))
    away = np.abs(np.arange(length)[None] - np.arange(length)[:, None])
    reach = length if sizes.window is None else sizes.window
    mixed = attend(q, k, v, seen=away <= reach).transpose(1, 0, 2).reshape(length, dim)
    return np.asarray(x + linear(rounded(mixed), layer.out) + layer.out.columns[2])


def _turn(x: Doubles, turns: Doubles) -> Doubles:
    half = x.shape[2] // 2
    turned = (x[..., :half] + 1j * x[..., half:]) * (turns[:, :half] + 1j * turns[:, half:])
    return np.concatenate([turned.real, turned.imag], axis=2)


def gated_feed_forward(encoder: Encoder, layer: Layer, x: Doubles) -> Doubles:
    """The second half of a layer."""
    both = linear(rounded(layer_norm(x, encoder)), layer.first) + layer.first.columns[2].astype(np.float64)
    total = x + layer.second[0].columns[2].astype(np.float64)
    for part, group in zip(np.split(both, len(layer.second), axis=1), layer.second, strict=True):
        channels, gates = np.split(part, 2, axis=1)
        total = total + linear(rounded(channels * (1 + _erf(channels / math.sqrt(2))) / 2 * gates), group)
    return np.asarray(total)


def vector(encoder: Encoder, ids: NDArray[np.int64]) -> Doubles:
    """Return a text's mean vector."""
    x = embed(encoder, ids)
    for number, layer in enumerate(encoder.layers):
        x = rotary_attention(encoder, layer, x, normalized=number == 0)
        x = gated_feed_forward(encoder, layer, x)
    return np.asarray(layer_norm(x, encoder).mean(axis=0))
