"""optimum's ORTModelForFeatureExtraction: tokenizer, model, pooling and L2 put together as its documentation does."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from optimum.onnxruntime import ORTModelForFeatureExtraction
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from biolord_bench.worker.tool import Settings, in_batches, mean_pooled, only_file, sentence_length

BATCHES = (4, 8, 16, 32, 64)


class Model:
    """A tokenizer and an `ORTModelForFeatureExtraction`, which has no batching of its own."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, model: ORTModelForFeatureExtraction, max_length: int
    ) -> None:
        self._tokenizer, self._model = tokenizer, model
        self.max_length = max_length
        self.batch = 32

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode in batches of texts of like length."""
        return in_batches(texts, self.batch, self._encode)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        inputs = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.max_length, return_tensors="np"
        )
        return mean_pooled(np.asarray(self._model(**inputs).last_hidden_state), inputs["attention_mask"])


def load(settings: Settings) -> Model:
    """Load the folder's only graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    subfolder, name = os.path.split(only_file(settings.model, "*.onnx"))
    model = ORTModelForFeatureExtraction.from_pretrained(
        settings.model,
        subfolder=subfolder,
        file_name=name,
        provider="CPUExecutionProvider",
        session_options=options,
    )
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    return Model(tokenizer, model, sentence_length(settings.model))
