"""ELECTRA (Clark et al. 2020), its discriminator: a BERT whose embeddings may be shorter than its token vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.checkpoint.architectures.bert import read_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.config import EncoderConfig
    from biolord_export.checkpoint.weights import EncoderWeights


def read(config: EncoderConfig, path: Path) -> EncoderWeights:
    """Read an ELECTRA encoder; raises CheckpointError if the file doesn't fit config.json."""
    return read_encoder(config, path, first_position=0, positions="index")
