"""MPNet (Song et al. 2020): a BERT whose attention scores carry a bias by relative position, shared by all layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biolord_export.checkpoint.stored.tensors import TensorFile
from biolord_export.checkpoint.weights import EncoderWeights, Layer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from biolord_export.checkpoint.config import EncoderConfig
    from biolord_export.checkpoint.weights import Float32

BUCKETS = 32
MAX_DISTANCE = 128


def read(config: EncoderConfig, path: Path) -> EncoderWeights:
    """Read an MPNet encoder; raises CheckpointError if the file doesn't fit config.json."""
    dim = config.dim
    with TensorFile(path, "embeddings.word_embeddings.weight") as tensors:
        positions = tensors.read("embeddings.position_embeddings.weight", (config.max_positions, dim))
        table = tensors.read("encoder.relative_attention_bias.weight", (BUCKETS, config.heads))
        return EncoderWeights(
            architecture=config.model_type,
            word_embeddings=tensors.read("embeddings.word_embeddings.weight", (config.vocabulary, dim)),
            position_embeddings=positions,
            first_position=config.first_position,
            positions="non_pad",
            embedding_norm=tensors.layer_norm("embeddings.LayerNorm", dim, config.epsilon),
            layers=tuple(_layer(tensors, config, f"encoder.layer.{number}") for number in config.layer_range),
            heads=config.heads,
            pad_id=config.pad_id,
            relative_bias=_relative_bias(table, config.max_positions - config.first_position),
        )


def relative_buckets(distances: NDArray[np.int64]) -> NDArray[np.int64]:
    """Map key index minus query index to a row of the bias table.

    The buckets of T5 (Raffel et al. 2020): half of them for keys to the right; near distances have a bucket each, far
    ones share buckets that grow logarithmically. At 16, 32 and 64 transformers' logarithm falls on a whole number,
    where a CPU's rounding could decide, so the distances at which the far buckets begin are computed instead.
    """
    half = BUCKETS // 2
    exact = half // 2
    growth = np.arange(half - exact) / (half - exact)
    starts = np.ceil(np.round(exact * (MAX_DISTANCE / exact) ** growth, decimals=6))
    away = np.abs(distances)
    far = exact - 1 + np.searchsorted(starts, away, side="right")
    return np.where(distances > 0, half, 0) + np.where(away < exact, away, far)


def _relative_bias(table: Float32, positions: int) -> Float32:
    distances = np.arange(-(positions - 1), positions, dtype=np.int64)
    return np.ascontiguousarray(table[relative_buckets(distances)].T)


def _layer(tensors: TensorFile, config: EncoderConfig, name: str) -> Layer:
    dim, inner, epsilon = config.dim, config.inner_dim, config.epsilon
    attention = f"{name}.attention.attn"
    return Layer(
        qkv=tensors.linears((f"{attention}.q", f"{attention}.k", f"{attention}.v"), dim, dim),
        attention_output=tensors.linear(f"{attention}.o", dim, dim),
        attention_norm=tensors.layer_norm(f"{name}.attention.LayerNorm", dim, epsilon),
        fc1=tensors.linear(f"{name}.intermediate.dense", dim, inner),
        fc2=tensors.linear(f"{name}.output.dense", inner, dim),
        output_norm=tensors.layer_norm(f"{name}.output.LayerNorm", dim, epsilon),
    )
