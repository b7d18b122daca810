"""OpenVINO GenAI's TextEmbeddingPipeline: OpenVINO's own tokenizers and pooling in C++, without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from openvino_genai import TextEmbeddingPipeline

from biolord_bench.worker.tool import Settings, in_batches, sentence_length

BATCHES = (4, 8, 16, 32, 64)


class Model:
    """A pipeline, which pads all texts of a call to the longest."""

    def __init__(self, pipeline: TextEmbeddingPipeline, max_length: int) -> None:
        self._pipeline = pipeline
        self.max_length = max_length
        self.batch = 32

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode in batches of texts of like length."""
        return in_batches(texts, self.batch, self._encode)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(self._pipeline.embed_documents(list(texts)), dtype=np.float32)


def load(settings: Settings) -> Model:
    """Load a folder with the model and OpenVINO's tokenizer."""
    length = sentence_length(settings.model)
    config = TextEmbeddingPipeline.Config()
    config.pooling_type = TextEmbeddingPipeline.PoolingType.MEAN
    config.normalize = True
    config.max_length = length
    properties = {"INFERENCE_NUM_THREADS": settings.threads, "PERFORMANCE_HINT": "LATENCY"}
    return Model(TextEmbeddingPipeline(settings.model, "CPU", config, **properties), length)
