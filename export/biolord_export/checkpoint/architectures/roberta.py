"""RoBERTa (Liu et al. 2019) and XLM-R (Conneau et al. 2020): a BERT that counts positions as fairseq does.

Positions begin behind the padding's row and count the tokens that aren't padding; there is a single token type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.checkpoint.architectures.bert import read_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.config import EncoderConfig
    from biolord_export.checkpoint.weights import EncoderWeights


def read(config: EncoderConfig, path: Path) -> EncoderWeights:
    """Read a RoBERTa or XLM-R encoder; raises CheckpointError if the file doesn't fit config.json."""
    return read_encoder(config, path, first_position=config.first_position, positions="non_pad")
