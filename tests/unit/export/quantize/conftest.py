"""What the tests of whole schemes share: the weights of the tiny checkpoints, and what texts show of their inputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from biolord_export.calibration.collect import InputStatistics, collect_statistics
from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.weights import EncoderWeights


@pytest.fixture(scope="session", params=["mpnet", "bert"])
def weights(request: pytest.FixtureRequest) -> EncoderWeights:
    """The weights of a tiny checkpoint."""
    folder: Path = request.getfixturevalue(f"tiny_{request.param}")
    return read_weights(read_encoder_config(folder), folder / "model.safetensors")


@pytest.fixture(scope="session")
def statistics(weights: EncoderWeights) -> Mapping[tuple[int, str], InputStatistics]:
    """What random texts show of its inputs."""
    generator = np.random.default_rng(1)
    texts = [generator.integers(5, len(weights.word_embeddings), size) for size in generator.integers(2, 30, 80)]
    return collect_statistics(weights, texts)
