"""Seeded random weights under the names of real checkpoints, scaled so that every layer has a say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

BUCKETS = 32
"""Rows of MPNet's table of relative-position biases."""
TOKEN_TYPES = {"mpnet": 0, "bert": 2, "xlm-roberta": 1, "camembert": 1, "distilbert": 0, "electra": 2}
"""Rows of the table of token types; MPNet and DistilBERT have none."""
OUTLIERS = {1: 12.0, 5: 8.0, 11: 6.0}
"""Inner channels of every feed-forward network whose values are so many times larger than their neighbors',
as a few fixed channels of the real models are."""

Tensors = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Sizes:
    """Sizes of a tiny encoder; multiples of 32, so that block formats fit."""

    hidden: int = 64
    layers: int = 2
    heads: int = 4
    inner: int = 128
    positions: int = 66
    embedding: int | None = None
    """Length of ELECTRA's embeddings; None for that of the hidden vectors."""


@dataclass(frozen=True)
class Names:
    """What an architecture calls the parts of a layer, below the layer's own name."""

    layer: str
    qkvo: tuple[str, str, str, str]
    attention_norm: str
    first: str
    second: str
    output_norm: str = "output.LayerNorm"


_BERT = Names(
    "encoder.layer",
    ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
    "attention.output.LayerNorm",
    "intermediate.dense",
    "output.dense",
)
_MPNET = replace(
    _BERT,
    qkvo=("attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o"),
    attention_norm="attention.LayerNorm",
)
_DISTILBERT = Names(
    "transformer.layer",
    ("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"),
    "sa_layer_norm",
    "ffn.lin1",
    "ffn.lin2",
    "output_layer_norm",
)
LAYER_NAMES = {
    "mpnet": _MPNET,
    "bert": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "electra": _BERT,
    "distilbert": _DISTILBERT,
}


def random_tensors(architecture: str, sizes: Sizes, vocabulary: int, seed: int) -> Tensors:
    """Make the tensors of an encoder, those that no artifact needs (pooler, position ids) included."""
    random = np.random.default_rng(seed)
    if architecture == "modernbert":
        return {name: _single(values) for name, values in modern_tensors(random, sizes, vocabulary)}
    embedding = sizes.embedding or sizes.hidden
    tensors: Tensors = {
        "embeddings.word_embeddings.weight": random.normal(0, 1, (vocabulary, embedding)),
        "embeddings.position_embeddings.weight": random.normal(0, 0.4, (sizes.positions, embedding)),
        "embeddings.position_ids": np.arange(sizes.positions, dtype=np.int64)[None],
    }
    types = TOKEN_TYPES[architecture]
    if types:
        tensors["embeddings.token_type_embeddings.weight"] = random.normal(0, 0.3, (types, embedding))
    if architecture == "mpnet":
        tensors["encoder.relative_attention_bias.weight"] = random.normal(0, 1, (BUCKETS, sizes.heads))
    tensors.update(_norm(random, "embeddings.LayerNorm", embedding))
    if embedding != sizes.hidden:
        tensors.update(_linear(random, "embeddings_project", embedding, sizes.hidden))
    names = LAYER_NAMES[architecture]
    for number in range(sizes.layers):
        for name, values in _layer(random, names, sizes):
            tensors[f"{names.layer}.{number}.{name}"] = values
    tensors.update(_linear(random, "pooler.dense", sizes.hidden, sizes.hidden))
    return {name: _single(values) for name, values in tensors.items()}


def _layer(random: np.random.Generator, names: Names, sizes: Sizes) -> Iterator[tuple[str, NDArray[np.generic]]]:
    for projection in names.qkvo:
        yield from _linear(random, projection, sizes.hidden, sizes.hidden).items()
    yield from _norm(random, names.attention_norm, sizes.hidden).items()
    first = _linear(random, names.first, sizes.hidden, sizes.inner)
    second = _linear(random, names.second, sizes.inner, sizes.hidden)
    _widen(first[f"{names.first}.weight"], second[f"{names.second}.weight"])
    yield from {**first, **second}.items()
    yield from _norm(random, names.output_norm, sizes.hidden).items()


def _widen(first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
    for channel, factor in OUTLIERS.items():
        first[channel] *= factor
        second[:, channel] /= factor / 2


def modern_tensors(
    random: np.random.Generator, sizes: Sizes, vocabulary: int
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Yield the tensors of a ModernBERT, which has no bias but its head's."""

    def matrix(name: str, inputs: int, outputs: int) -> tuple[str, NDArray[np.float64]]:
        return f"{name}.weight", random.normal(0, inputs**-0.5, (outputs, inputs))

    def norm(name: str) -> tuple[str, NDArray[np.float64]]:
        return f"{name}.weight", random.normal(1, 0.15, sizes.hidden)

    yield "embeddings.tok_embeddings.weight", random.normal(0, 1, (vocabulary, sizes.hidden))
    yield norm("embeddings.norm")
    for number in range(sizes.layers):
        layer = f"layers.{number}"
        if number:
            yield norm(f"{layer}.attn_norm")
        yield matrix(f"{layer}.attn.Wqkv", sizes.hidden, 3 * sizes.hidden)
        yield matrix(f"{layer}.attn.Wo", sizes.hidden, sizes.hidden)
        yield norm(f"{layer}.mlp_norm")
        first = matrix(f"{layer}.mlp.Wi", sizes.hidden, 2 * sizes.inner)
        second = matrix(f"{layer}.mlp.Wo", sizes.inner, sizes.hidden)
        _widen(first[1], second[1])
        yield from (first, second)
    yield norm("final_norm")


def _linear(random: np.random.Generator, name: str, inputs: int, outputs: int) -> dict[str, NDArray[np.float64]]:
    return {
        f"{name}.weight": random.normal(0, inputs**-0.5, (outputs, inputs)),
        f"{name}.bias": random.normal(0, 0.1, outputs),
    }


def _norm(random: np.random.Generator, name: str, dim: int) -> dict[str, NDArray[np.float64]]:
    return {f"{name}.weight": random.normal(1, 0.15, dim), f"{name}.bias": random.normal(0, 0.1, dim)}


def _single(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return values.astype(np.float32) if values.dtype == np.float64 else values
