"""RoBERTa (Liu et al. 2019) and XLM-R (Conneau et al. 2020): a BERT that counts positions as fairseq does.

Positions begin behind the padding's row and count the tokens that aren't padding; there is a single token type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.architectures.bert import read_layer
from biolord_export.tensors import TensorFile
from biolord_export.weights import EncoderWeights

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.config import EncoderConfig


def read(config: EncoderConfig, path: Path) -> EncoderWeights:
    """Read a RoBERTa or XLM-R encoder; raises CheckpointError if the file doesn't fit config.json."""
    dim = config.dim
    with TensorFile(path, "embeddings.word_embeddings.weight") as tensors:
        positions = tensors.read("embeddings.position_embeddings.weight", (config.max_positions, dim))
        types = tensors.read("embeddings.token_type_embeddings.weight", (config.token_types, dim))
        return EncoderWeights(
            architecture=config.model_type,
            word_embeddings=tensors.read("embeddings.word_embeddings.weight", (config.vocabulary, dim)),
            position_embeddings=positions + types[0],
            first_position=config.first_position,
            positions="non_pad",
            embedding_norm=tensors.layer_norm("embeddings.LayerNorm", dim, config.epsilon),
            layers=tuple(read_layer(tensors, config, f"encoder.layer.{number}") for number in config.layer_range),
            heads=config.heads,
            pad_id=config.pad_id,
            relative_bias=None,
        )
