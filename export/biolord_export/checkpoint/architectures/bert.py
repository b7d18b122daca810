"""BERT (Devlin et al. 2018): absolute positions, one token type for a single text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.checkpoint.stored.tensors import TensorFile
from biolord_export.checkpoint.weights import EncoderWeights, Layer, PositionRule

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.config import EncoderConfig

PROJECTION = "embeddings_project"
"""ELECTRA's own; no other's embeddings are of another length than its token vectors."""


def read(config: EncoderConfig, path: Path) -> EncoderWeights:
    """Read a BERT encoder; raises CheckpointError if the file doesn't fit config.json."""
    return read_encoder(config, path, first_position=0, positions="index")


def read_encoder(config: EncoderConfig, path: Path, *, first_position: int, positions: PositionRule) -> EncoderWeights:
    """Read an encoder under the names that BERT, ELECTRA and RoBERTa share; they number positions differently."""
    dim = config.embedding_dim
    with TensorFile(path, "embeddings.word_embeddings.weight") as tensors:
        table = tensors.read("embeddings.position_embeddings.weight", (config.max_positions, dim))
        types = tensors.read("embeddings.token_type_embeddings.weight", (config.token_types, dim))
        return EncoderWeights(
            architecture=config.model_type,
            word_embeddings=tensors.read("embeddings.word_embeddings.weight", (config.vocabulary, dim)),
            position_embeddings=table + types[0],
            first_position=first_position,
            positions=positions,
            embedding_norm=tensors.layer_norm("embeddings.LayerNorm", dim, config.epsilon),
            layers=tuple(_read_layer(tensors, config, f"encoder.layer.{number}") for number in config.layer_range),
            heads=config.heads,
            pad_id=config.pad_id,
            relative_bias=None,
            projection=tensors.linear(PROJECTION, dim, config.dim) if dim != config.dim else None,
        )


def _read_layer(tensors: TensorFile, config: EncoderConfig, name: str) -> Layer:
    dim, inner, epsilon = config.dim, config.inner_dim, config.epsilon
    attention = f"{name}.attention.self"
    return Layer(
        qkv=tensors.linears((f"{attention}.query", f"{attention}.key", f"{attention}.value"), dim, dim),
        attention_output=tensors.linear(f"{name}.attention.output.dense", dim, dim),
        attention_norm=tensors.layer_norm(f"{name}.attention.output.LayerNorm", dim, epsilon),
        fc1=tensors.linear(f"{name}.intermediate.dense", dim, inner),
        fc2=tensors.linear(f"{name}.output.dense", inner, dim),
        output_norm=tensors.layer_norm(f"{name}.output.LayerNorm", dim, epsilon),
    )
