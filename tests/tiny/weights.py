"""Seeded random weights under the names of real checkpoints, scaled so that every layer has a say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BUCKETS = 32
"""Rows of MPNet's table of relative-position biases."""
TOKEN_TYPES = {"mpnet": 0, "bert": 2, "xlm-roberta": 1}
"""Rows of the table of token types; MPNet has none."""
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


_BERT_NAMES = (("query", "key", "value"), "attention.self.{}", "attention.output.LayerNorm")
_LAYER_NAMES = {
    "mpnet": (("q", "k", "v", "o"), "attention.attn.{}", "attention.LayerNorm"),
    "bert": _BERT_NAMES,
    "xlm-roberta": _BERT_NAMES,
}


def random_tensors(architecture: str, sizes: Sizes, vocabulary: int, seed: int) -> Tensors:
    """Make the tensors of an encoder, those that no artifact needs (pooler, position ids) included."""
    random = np.random.default_rng(seed)
    tensors: Tensors = {
        "embeddings.word_embeddings.weight": random.normal(0, 1, (vocabulary, sizes.hidden)),
        "embeddings.position_embeddings.weight": random.normal(0, 0.4, (sizes.positions, sizes.hidden)),
        "embeddings.position_ids": np.arange(sizes.positions, dtype=np.int64)[None],
    }
    types = TOKEN_TYPES[architecture]
    if types:
        tensors["embeddings.token_type_embeddings.weight"] = random.normal(0, 0.3, (types, sizes.hidden))
    else:
        tensors["encoder.relative_attention_bias.weight"] = random.normal(0, 1, (BUCKETS, sizes.heads))
    tensors.update(_norm(random, "embeddings.LayerNorm", sizes.hidden))
    for number in range(sizes.layers):
        for name, values in _layer(random, architecture, sizes):
            tensors[f"encoder.layer.{number}.{name}"] = values
    tensors.update(_linear(random, "pooler.dense", sizes.hidden, sizes.hidden))
    return {name: _single(values) for name, values in tensors.items()}


def _layer(random: np.random.Generator, architecture: str, sizes: Sizes) -> Iterator[tuple[str, NDArray[np.generic]]]:
    projections, place, norm = _LAYER_NAMES[architecture]
    for projection in projections:
        yield from _linear(random, place.format(projection), sizes.hidden, sizes.hidden).items()
    if architecture != "mpnet":
        yield from _linear(random, "attention.output.dense", sizes.hidden, sizes.hidden).items()
    yield from _norm(random, norm, sizes.hidden).items()
    first = _linear(random, "intermediate.dense", sizes.hidden, sizes.inner)
    second = _linear(random, "output.dense", sizes.inner, sizes.hidden)
    for channel, factor in OUTLIERS.items():
        first["intermediate.dense.weight"][channel] *= factor
        second["output.dense.weight"][:, channel] /= factor / 2
    yield from {**first, **second}.items()
    yield from _norm(random, "output.LayerNorm", sizes.hidden).items()


def _linear(random: np.random.Generator, name: str, inputs: int, outputs: int) -> dict[str, NDArray[np.float64]]:
    return {
        f"{name}.weight": random.normal(0, inputs**-0.5, (outputs, inputs)),
        f"{name}.bias": random.normal(0, 0.1, outputs),
    }


def _norm(random: np.random.Generator, name: str, dim: int) -> dict[str, NDArray[np.float64]]:
    return {f"{name}.weight": random.normal(1, 0.15, dim), f"{name}.bias": random.normal(0, 0.1, dim)}


def _single(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return values.astype(np.float32) if values.dtype == np.float64 else values
