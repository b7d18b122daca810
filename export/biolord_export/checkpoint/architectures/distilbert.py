"""DistilBERT (Sanh et al. 2019): a BERT of half the layers, without token types, under names of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.checkpoint.stored.tensors import TensorFile
from biolord_export.checkpoint.weights import EncoderWeights, Layer

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.config import EncoderConfig


def read(config: EncoderConfig, path: Path) -> EncoderWeights:
    """Read a DistilBERT encoder; raises CheckpointError if the file doesn't fit config.json."""
    dim = config.dim
    with TensorFile(path, "embeddings.word_embeddings.weight") as tensors:
        return EncoderWeights(
            architecture=config.model_type,
            word_embeddings=tensors.read("embeddings.word_embeddings.weight", (config.vocabulary, dim)),
            position_embeddings=tensors.read("embeddings.position_embeddings.weight", (config.max_positions, dim)),
            first_position=0,
            positions="index",
            embedding_norm=tensors.layer_norm("embeddings.LayerNorm", dim, config.epsilon),
            layers=tuple(_layer(tensors, config, f"transformer.layer.{number}") for number in config.layer_range),
            heads=config.heads,
            pad_id=config.pad_id,
            relative_bias=None,
        )


def _layer(tensors: TensorFile, config: EncoderConfig, name: str) -> Layer:
    dim, inner, epsilon = config.dim, config.inner_dim, config.epsilon
    attention = f"{name}.attention"
    return Layer(
        qkv=tensors.linears((f"{attention}.q_lin", f"{attention}.k_lin", f"{attention}.v_lin"), dim, dim),
        attention_output=tensors.linear(f"{attention}.out_lin", dim, dim),
        attention_norm=tensors.layer_norm(f"{name}.sa_layer_norm", dim, epsilon),
        fc1=tensors.linear(f"{name}.ffn.lin1", dim, inner),
        fc2=tensors.linear(f"{name}.ffn.lin2", inner, dim),
        output_norm=tensors.layer_norm(f"{name}.output_layer_norm", dim, epsilon),
    )
