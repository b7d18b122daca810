"""onnxruntime by hand: tokenizers, one session, mean pooling in numpy. What a short script of one's own would do."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from biolord_bench.peers.adapters.tokenizing import load_tokenizer, model_inputs
from biolord_bench.worker.tool import Batched, Settings, in_batches, mean_pooled, only_file, sentence_length

BATCHES = (4, 8, 16, 32, 64)


def load(settings: Settings) -> Batched:
    """Load the folder's only graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    path = Path(settings.model, only_file(settings.model, "*.onnx"))
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    tokenizer, names = load_tokenizer(settings.model), {node.name for node in session.get_inputs()}

    def encode(texts: list[str]) -> NDArray[np.float32]:
        inputs = model_inputs(tokenizer, texts)
        feeds = {name: values for name, values in inputs.items() if name in names}
        return mean_pooled(session.run(None, feeds)[0], inputs["attention_mask"])

    return Batched(partial(in_batches, encode), sentence_length(settings.model))
