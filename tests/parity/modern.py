"""ModernBERT in plain numpy and float64, one text at a time, and which plain encoder a checkpoint's is.

Written from Warner et al. 2024 (the layers), Su et al. 2021 (rotary positions) and Shazeer 2020 (GeGLU).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from parity.reference import Float64, ReferenceEncoder, attention, gelu, layer_norm

HIDDEN = -1e9
"""The score of a key that a query doesn't see."""


@dataclass(frozen=True)
class ModernReference:
    """A ModernBERT as its checkpoint's files describe it."""

    heads: int
    epsilon: float
    layers: int
    window: int
    tensors: dict[str, Float64]
    architecture: str = "modernbert"

    @classmethod
    def load(cls, folder: Path) -> ModernReference:
        """Read config.json and model.safetensors of a checkpoint without a prefix."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tensors = {name: value.astype(np.float64) for name, value in load_file(folder / "model.safetensors").items()}
        return cls(
            config["num_attention_heads"],
            config["norm_eps"],
            config["num_hidden_layers"],
            config["local_attention"] // 2,
            tensors,
        )

    def __call__(self, ids: Sequence[int]) -> Float64:
        """Return the token vectors of one text, float64 [tokens, dim]."""
        hidden = self._norm("embeddings.norm", self.tensors["embeddings.tok_embeddings.weight"][list(ids)])
        for number in range(self.layers):
            name = f"layers.{number}"
            normed = self._norm(f"{name}.attn_norm", hidden) if number else hidden
            hidden = hidden + self._attention(f"{name}.attn", normed, near=number % 3 != 0)
            channels, gates = np.split(
                self._linear(f"{name}.mlp.Wi", self._norm(f"{name}.mlp_norm", hidden)), 2, axis=1
            )
            hidden = hidden + self._linear(f"{name}.mlp.Wo", gelu(channels) * gates)
        return self._norm("final_norm", hidden)

    def _attention(self, name: str, x: Float64, *, near: bool) -> Float64:
        query, key, value = np.split(self._linear(f"{name}.Wqkv", x), 3, axis=1)
        theta = 10_000.0 if near else 160_000.0
        places = np.arange(len(x))
        away = np.abs(places[:, None] - places[None])
        bias = np.where(away > self.window, HIDDEN, 0.0)[None] if near else 0.0
        mixed = attention(self._turn(query, theta), self._turn(key, theta), value, self.heads, bias)
        return self._linear(f"{name}.Wo", mixed)

    def _turn(self, x: Float64, theta: float) -> Float64:
        """Turn pairs of channels as complex numbers: the first half of a head is their real part."""
        tokens, dim = x.shape
        half = dim // self.heads // 2
        pairs = x.reshape(tokens, self.heads, 2, half)
        angles = np.arange(tokens)[:, None] * theta ** (-np.arange(half) / half)
        turned = (pairs[:, :, 0] + 1j * pairs[:, :, 1]) * np.exp(1j * angles)[:, None]
        return np.stack([turned.real, turned.imag], axis=2).reshape(tokens, dim)

    def _linear(self, name: str, x: Float64) -> Float64:
        return np.asarray(x @ self.tensors[f"{name}.weight"].T)

    def _norm(self, name: str, x: Float64) -> Float64:
        return layer_norm(x, self.tensors[f"{name}.weight"], np.zeros(1), self.epsilon)


def load_reference(folder: Path) -> ReferenceEncoder | ModernReference:
    """Read a checkpoint of any architecture."""
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    load: Callable[[Path], ReferenceEncoder | ModernReference] = (
        ModernReference.load if kind == "modernbert" else ReferenceEncoder.load
    )
    return load(folder)
