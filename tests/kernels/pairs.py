"""Graphs of the operators that only cross-encoders have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from kernels.encoder import EPSILON, HIDDEN, IDS, Encoder, Floats, Graph
from kernels.running import ids_feed

PAIRS = {**IDS, "token_type_ids": TensorProto.INT64}
LOGITS = {"logits": TensorProto.FLOAT}
TYPES = 2


@dataclass(frozen=True, slots=True)
class Head:
    """A classifier of one score: the two layers, and the number of what stands between them."""

    dense: Floats
    dense_bias: Floats
    output: Floats
    output_bias: Floats
    activation: int | None = None

    @classmethod
    def random(cls, dim: int, activation: int | None = None, seed: int = 5) -> Head:
        """Make one from a seed."""
        random = np.random.default_rng(seed)
        dense, bias = random.normal(0, dim**-0.5, (dim, dim)), random.normal(0, 0.1, dim)
        output, last = random.normal(0, 1, dim), random.normal(0, 1, 1)
        single = np.float32
        return cls(dense.astype(single), bias.astype(single), output.astype(single), last.astype(single), activation)


def type_table(dim: int, seed: int = 6) -> Floats:
    """Make the table of token types."""
    return np.random.default_rng(seed).normal(0, 0.3, (TYPES, dim)).astype(np.float32)


def add_embed_pairs(graph: Graph, encoder: Encoder, types: Floats) -> None:
    """Token ids and types to hidden rows and starts."""
    tensors: tuple[NDArray[Any], ...] = (encoder.table, encoder.token_scales, encoder.positions, encoder.norm, types)
    graph.node("EmbedPairs", [*PAIRS, *map(graph.constant, tensors)], ["hidden", "starts"], epsilon=EPSILON)


def add_score(graph: Graph, head: Head) -> None:
    """Hidden rows to scores."""
    tensors = (head.dense, head.dense_bias, head.output, head.output_bias)
    attributes = {} if head.activation is None else {"activation": head.activation}
    graph.node("Score", [graph.last(), "starts", *map(graph.constant, tensors)], ["logits"], **attributes)


def embed_pairs_model(encoder: Encoder) -> ModelProto:
    """Make the graph of EmbedPairs alone."""
    graph = Graph()
    add_embed_pairs(graph, encoder, type_table(encoder.sizes.dim))
    return graph.model(PAIRS, HIDDEN)


def score_model(head: Head) -> ModelProto:
    """Make the graph of Score alone."""
    graph = Graph()
    add_score(graph, head)
    return graph.model(HIDDEN, LOGITS)


def cross_model(encoder: Encoder, head: Head, *, typed: bool = True) -> ModelProto:
    """Make the graph from ids, and types if there are any, to scores."""
    graph = Graph()
    if typed:
        add_embed_pairs(graph, encoder, type_table(encoder.sizes.dim))
    else:
        graph.embed(encoder)
    for number, layer in enumerate(encoder.layers):
        graph.attention(encoder, layer, f"attended{number}")
        graph.feed_forward(encoder, layer, f"layer{number}")
    add_score(graph, head)
    return graph.model(PAIRS if typed else IDS, LOGITS)


def pairs_feed(lengths: Sequence[int], vocabulary: int, seed: int = 3) -> Mapping[str, NDArray[Any]]:
    """Make token ids of pairs, whose second half is of type 1."""
    feed = ids_feed(lengths, vocabulary, seed)
    half = np.array(lengths, dtype=np.int64)[:, np.newaxis] // 2
    return {**feed, "token_type_ids": (np.arange(max(lengths)) >= half).astype(np.int64)}
