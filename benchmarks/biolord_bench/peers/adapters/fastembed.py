"""fastembed with a custom model from a local folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType
from numpy.typing import NDArray

from biolord_bench.worker.tool import Settings, only_file

NAME = "local/model"
BATCHES = (8, 16, 32, 64, 256)


class Model:
    """A `TextEmbedding`."""

    def __init__(self, model: TextEmbedding, max_length: int) -> None:
        self._model = model
        self.max_length = max_length
        self.batch = 256

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode in the order of arrival."""
        return np.asarray(list(self._model.embed(list(texts), batch_size=self.batch)), dtype=np.float32)


def load(settings: Settings) -> Model:
    """Register the folder's only graph, mean pooling and L2, and load it."""
    TextEmbedding.add_custom_model(
        model=NAME,
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf=NAME),
        dim=_dim(settings.model),
        model_file=only_file(settings.model, "*.onnx"),
    )
    model = TextEmbedding(
        NAME, threads=settings.threads, providers=["CPUExecutionProvider"], specific_model_path=settings.model
    )
    truncation = model.model.tokenizer.truncation  # what fastembed made of the folder's files
    return Model(model, int(truncation["max_length"]))


def _dim(folder: str) -> int:
    import json
    from pathlib import Path

    return int(json.loads(Path(folder, "config.json").read_text(encoding="utf-8"))["hidden_size"])
