"""tract, an engine in Rust, on the exported graph; tokenizers and mean pooling are as with onnxruntime by hand."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import tract
from numpy.typing import NDArray

from biolord_bench.peers.adapters.tokenizing import load_tokenizer, model_inputs
from biolord_bench.worker.tool import Batched, Settings, in_batches, mean_pooled, only_file, sentence_length

BATCHES = (1, 4, 8, 16)


def load(settings: Settings) -> Batched:
    """Load the folder's only graph, batch and length left open."""
    model = tract.onnx().load(Path(settings.model, only_file(settings.model, "*.onnx")))
    names = [model.input_name(index) for index in range(model.input_count())]
    for index in range(len(names)):
        model.set_input_fact(index, "B,S,i64")
    runnable, tokenizer = model.into_model().into_runnable(), load_tokenizer(settings.model)

    def encode(texts: list[str]) -> NDArray[np.float32]:
        inputs = model_inputs(tokenizer, texts)
        tokens = runnable.run([inputs[name] for name in names])[0].to_numpy()
        return mean_pooled(tokens, inputs["attention_mask"])

    return Batched(partial(in_batches, encode), sentence_length(settings.model), 8)
