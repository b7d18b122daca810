"""OpenVINO GenAI's TextEmbeddingPipeline: OpenVINO's own tokenizers and pooling in C++, without torch."""

from __future__ import annotations

from functools import partial

from openvino_genai import TextEmbeddingPipeline

from biolord_bench.worker.tool import Batched, Settings, in_batches, sentence_length

BATCHES = (4, 8, 16, 32, 64)


def load(settings: Settings) -> Batched:
    """Load a folder with the model and OpenVINO's tokenizer; the pipeline pads all texts of a call to the longest."""
    length = sentence_length(settings.model)
    config = TextEmbeddingPipeline.Config()
    config.pooling_type = TextEmbeddingPipeline.PoolingType.MEAN
    config.normalize = True
    config.max_length = length
    properties = {"INFERENCE_NUM_THREADS": settings.threads, "PERFORMANCE_HINT": "LATENCY"}
    pipeline = TextEmbeddingPipeline(settings.model, "CPU", config, **properties)
    return Batched(partial(in_batches, pipeline.embed_documents), length)
