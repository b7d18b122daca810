"""optimum's ORTModelForFeatureExtraction: tokenizer, model, pooling and L2 put together as its documentation does."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from optimum.onnxruntime import ORTModelForFeatureExtraction
from transformers import AutoTokenizer

from biolord_bench.worker.tool import Batched, Settings, in_batches, mean_pooled, only_file, sentence_length

BATCHES = (4, 8, 16, 32, 64)


def load(settings: Settings) -> Batched:
    """Load the folder's only graph; the model has no batching of its own."""
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
    tokenizer, length = AutoTokenizer.from_pretrained(settings.model), sentence_length(settings.model)

    def encode(texts: list[str]) -> NDArray[np.float32]:
        inputs = tokenizer(texts, padding=True, truncation=True, max_length=length, return_tensors="np")
        return mean_pooled(np.asarray(model(**inputs).last_hidden_state), inputs["attention_mask"])

    return Batched(partial(in_batches, encode), length)
