"""fastembed with a custom model from a local folder."""

from __future__ import annotations

import json
from pathlib import Path

from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType

from biolord_bench.worker.tool import Batched, Settings, only_file

NAME = "local/model"
BATCHES = (8, 16, 32, 64, 256)


def load(settings: Settings) -> Batched:
    """Register the folder's only graph, mean pooling and L2, and load it."""
    TextEmbedding.add_custom_model(
        model=NAME,
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf=NAME),
        dim=int(json.loads(Path(settings.model, "config.json").read_text(encoding="utf-8"))["hidden_size"]),
        model_file=only_file(settings.model, "*.onnx"),
    )
    model = TextEmbedding(
        NAME, threads=settings.threads, providers=["CPUExecutionProvider"], specific_model_path=settings.model
    )
    truncation = model.model.tokenizer.truncation  # what fastembed made of the folder's files
    return Batched(
        lambda texts, size: list(model.embed(texts, batch_size=size)), int(truncation["max_length"]), BATCHES[-1]
    )
