"""Weights of the tiny checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.weights import EncoderWeights


@pytest.fixture(scope="session")
def mpnet(tiny_mpnet: Path) -> EncoderWeights:
    """The weights of the tiny MPNet."""
    return read_weights(read_encoder_config(tiny_mpnet), tiny_mpnet / "model.safetensors")


@pytest.fixture(scope="session")
def bert(tiny_bert: Path) -> EncoderWeights:
    """The weights of the tiny BERT."""
    return read_weights(read_encoder_config(tiny_bert), tiny_bert / "model.safetensors")
