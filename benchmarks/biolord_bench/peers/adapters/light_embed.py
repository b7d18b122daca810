"""light-embed with a local folder. It has no thread option: the worker's CPU affinity limits it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from light_embed import TextEmbedding
from numpy.typing import NDArray

from biolord_bench.worker.tool import Settings, only_file

BATCHES = (8, 16, 32, 64)


class Model:
    """A `TextEmbedding`."""

    def __init__(self, model: TextEmbedding) -> None:
        self._model = model
        self.max_length = int(model.tokenizer.model_max_length)
        self.batch = 32

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode in batches."""
        return np.asarray(self._model.encode(list(texts), batch_size=self.batch), dtype=np.float32)


def load(settings: Settings) -> Model:
    """Load the folder's only graph with the checkpoint's pooling and L2."""
    config = {
        "onnx_file": only_file(settings.model, "*.onnx"),
        "pooling_config_path": "1_Pooling",
        "normalize": True,
    }
    return Model(TextEmbedding(settings.model, device="cpu", model_config=config))
