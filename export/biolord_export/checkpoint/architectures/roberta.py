"""RoBERTa (Liu et al. 2019), XLM-R (Conneau et al. 2020) and CamemBERT (Martin et al. 2020): positions as in fairseq.

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
    """Read a RoBERTa, XLM-R or CamemBERT encoder; raises CheckpointError if the file doesn't fit config.json."""
    return read_encoder(config, path, first_position=config.first_position, positions="non_pad")
