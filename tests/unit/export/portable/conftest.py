"""A tiny BERT: its weights, the graph that optimum would trace of it, and the same quantized."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto

from biolord_export.calibration.collect import collect_statistics
from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.weights import EncoderWeights
from biolord_export.quantize.static8 import StaticEncoder, quantize_static8
from unit.export.portable.traced import traced_bert


@pytest.fixture(scope="session")
def bert(tiny_bert: Path) -> EncoderWeights:
    """The weights of the tiny BERT."""
    return read_weights(read_encoder_config(tiny_bert), tiny_bert / "model.safetensors")


@pytest.fixture(scope="session")
def traced(bert: EncoderWeights) -> ModelProto:
    """The tiny BERT as optimum would trace it."""
    return traced_bert(bert)


@pytest.fixture(scope="session")
def static8(bert: EncoderWeights) -> StaticEncoder:
    """The tiny BERT in static 8 bits, calibrated on random tokens."""
    random = np.random.default_rng(7)
    texts = [random.integers(5, len(bert.word_embeddings), length) for length in range(3, 43)]
    return quantize_static8(bert, collect_statistics(bert, texts))
