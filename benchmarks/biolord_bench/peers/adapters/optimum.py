"""optimum's ORTModelForFeatureExtraction: tokenizer, model, pooling and L2 put together as its documentation does."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from optimum.onnxruntime import ORTModelForFeatureExtraction
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from biolord_bench.peers.settings import Settings, only_file, sentence_length

BATCH = 32  # optimum has no batching of its own; sentence-transformers' default


class Encoder:
    """A tokenizer and an `ORTModelForFeatureExtraction`."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, model: ORTModelForFeatureExtraction, max_length: int
    ) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self.max_length = max_length

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode in the order of arrival, padded per batch."""
        batches = [self._encode(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        return np.concatenate(batches)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        inputs = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.max_length, return_tensors="np"
        )
        tokens = np.asarray(self._model(**inputs).last_hidden_state)
        mask = inputs["attention_mask"][..., None].astype(np.float32)
        pooled = (tokens * mask).sum(axis=1) / mask.sum(axis=1)
        return np.asarray(pooled / np.linalg.norm(pooled, axis=1, keepdims=True), dtype=np.float32)


def load(settings: Settings) -> Encoder:
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
    return Encoder(tokenizer, model, sentence_length(settings.model))
