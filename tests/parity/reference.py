"""A sentence encoder in plain numpy and float64, one text at a time: slow, short, and apart from the graph's code.

Written from Devlin et al. 2018 (BERT), Song et al. 2020 (MPNet), Raffel et al. 2020 (the buckets), Vaswani et al. 2017
(attention) and Reimers and Gurevych 2019 (pooling); tensors and sizes come straight from the checkpoint's files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from tiny.weights import LAYER_NAMES, Names

Float64 = NDArray[np.float64]

BUCKETS = 32
MAX_DISTANCE = 128
PAD = 1
"""MPNet's, XLM-R's and CamemBERT's: tokens of this id have no position of their own."""
COUNTING = frozenset({"mpnet", "xlm-roberta", "camembert"})


def relative_bucket(distance: int) -> int:
    """T5's bucket of key minus query, in whole numbers: there is no logarithm whose rounding matters."""
    half = BUCKETS // 2
    exact = half // 2
    away, bucket = abs(distance), half - 1
    if away < exact:
        bucket = away
    elif away < MAX_DISTANCE:
        # The k-th far bucket begins at exact * (MAX_DISTANCE / exact) ** (k / exact).
        reached = [k for k in range(exact) if away**exact * exact**k >= exact**exact * MAX_DISTANCE**k]
        bucket = exact + max(reached)
    return bucket + (half if distance > 0 else 0)


def layer_norm(x: Float64, scale: Float64, shift: Float64, epsilon: float) -> Float64:
    """Normalize the last axis."""
    centered = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.square(centered).mean(axis=-1, keepdims=True) + epsilon)
    return np.asarray(centered / spread * scale + shift)


def gelu(x: Float64) -> Float64:
    """The exact GELU, by the error function."""
    return np.asarray(0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))))


def attention(query: Float64, key: Float64, value: Float64, heads: int, bias: Float64 | float = 0.0) -> Float64:
    """Multi-head attention of one text: all float64 [tokens, dim], bias [heads, tokens, tokens]."""
    tokens, dim = query.shape
    q, k, v = (x.reshape(tokens, heads, dim // heads).transpose(1, 0, 2) for x in (query, key, value))
    scores = q @ k.transpose(0, 2, 1) / math.sqrt(dim // heads) + bias
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.asarray((weights @ v).transpose(1, 0, 2).reshape(tokens, dim))


def pool(tokens: Float64, mode: str, skipped: int = 0) -> Float64:
    """One vector a text, of its token vectors but the leading ones that are skipped."""
    kept = tokens[skipped:]
    places = np.arange(skipped + 1, len(tokens) + 1)[:, None]
    vectors = {
        "mean": kept.mean(axis=0),
        "cls": kept[0],
        "max": kept.max(axis=0),
        "weightedmean": (kept * places).sum(axis=0) / places.sum(),
        "lasttoken": kept[-1],
        "mean_sqrt_len_tokens": kept.sum(axis=0) / math.sqrt(len(kept)),
    }
    return np.asarray(vectors[mode])


def activate(name: str, x: Float64) -> Float64:
    """Torch's activation of a class's name."""
    sigmoid, softplus = 1 / (1 + np.exp(-x)), np.logaddexp(0, x)
    below = np.expm1(np.minimum(x, 0))
    hard = np.clip(x + 3, 0, 6) / 6
    values = {
        "Identity": x,
        "Tanh": np.tanh(x),
        "ReLU": np.maximum(x, 0),
        "GELU": gelu(x),
        "Sigmoid": sigmoid,
        "SiLU": x * sigmoid,
        "Mish": x * np.tanh(softplus),
        "LeakyReLU": np.where(x < 0, 0.01 * x, x),
        "ELU": np.maximum(x, 0) + below,
        "SELU": 1.0507009873554805 * (np.maximum(x, 0) + 1.6732632423543772 * below),
        "CELU": np.maximum(x, 0) + below,
        "ReLU6": np.clip(x, 0, 6),
        "Softplus": softplus,
        "Softsign": x / (1 + np.abs(x)),
        "LogSigmoid": -np.logaddexp(0, -x),
        "Hardtanh": np.clip(x, -1, 1),
        "Hardsigmoid": hard,
        "Hardswish": x * hard,
        "Tanhshrink": x - np.tanh(x),
    }
    return np.asarray(values[name])


def unit(vector: Float64) -> Float64:
    """Scale to length 1; what is shorter than 1e-12 is divided by that."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))


@dataclass(frozen=True)
class ReferenceEncoder:
    """An encoder as its checkpoint's files describe it."""

    architecture: str
    heads: int
    epsilon: float
    layers: int
    tensors: dict[str, Float64]

    @classmethod
    def load(cls, folder: Path) -> ReferenceEncoder:
        """Read config.json and model.safetensors of a checkpoint without a prefix."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tensors = {name: value.astype(np.float64) for name, value in load_file(folder / "model.safetensors").items()}
        return cls(
            config["model_type"],
            config.get("num_attention_heads", config.get("n_heads")),
            config.get("layer_norm_eps", 1e-12),
            config.get("num_hidden_layers", config.get("n_layers")),
            tensors,
        )

    def __call__(self, ids: Sequence[int]) -> Float64:
        """Return the token vectors of one text, float64 [tokens, dim]."""
        hidden = self._norm("embeddings.LayerNorm", self._embed(ids))
        if "embeddings_project.weight" in self.tensors:
            hidden = self._linear("embeddings_project", hidden)
        bias = self._bias(len(ids)) if self.architecture == "mpnet" else 0.0
        names = LAYER_NAMES[self.architecture]
        for number in range(self.layers):
            hidden = self._layer(names, f"{names.layer}.{number}", hidden, bias)
        return hidden

    def _embed(self, ids: Sequence[int]) -> Float64:
        words = self.tensors["embeddings.word_embeddings.weight"][list(ids)]
        places = self.tensors["embeddings.position_embeddings.weight"]
        types = self.tensors.get("embeddings.token_type_embeddings.weight")
        if types is not None:
            words = words + types[0]
        if self.architecture not in COUNTING:
            return np.asarray(words + places[: len(ids)])
        rows, seen = [], 0
        for one in ids:
            seen += one != PAD
            rows.append(PAD if one == PAD else PAD + seen)
        return np.asarray(words + places[rows])

    def _bias(self, tokens: int) -> Float64:
        table = self.tensors["encoder.relative_attention_bias.weight"]
        rows = [[relative_bucket(key - query) for key in range(tokens)] for query in range(tokens)]
        return np.asarray(table[rows].transpose(2, 0, 1))

    def _layer(self, names: Names, name: str, x: Float64, bias: Float64 | float) -> Float64:
        *projections, output = names.qkvo
        query, key, value = (self._linear(f"{name}.{part}", x) for part in projections)
        mixed = attention(query, key, value, self.heads, bias)
        middle = self._norm(f"{name}.{names.attention_norm}", x + self._linear(f"{name}.{output}", mixed))
        inner = gelu(self._linear(f"{name}.{names.first}", middle))
        return self._norm(f"{name}.{names.output_norm}", middle + self._linear(f"{name}.{names.second}", inner))

    def _linear(self, name: str, x: Float64) -> Float64:
        return np.asarray(x @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"])

    def _norm(self, name: str, x: Float64) -> Float64:
        return layer_norm(x, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"], self.epsilon)
