"""tract, an engine in Rust, on the exported graph; tokenizers and mean pooling are as with onnxruntime by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tract
from numpy.typing import NDArray
from tokenizers import Tokenizer

from biolord_bench.peers.adapters.tokenizing import load_tokenizer, model_inputs
from biolord_bench.worker.tool import Settings, in_batches, mean_pooled, only_file, sentence_length

BATCHES = (1, 4, 8, 16)


class Model:
    """A tokenizer and a runnable model."""

    def __init__(self, tokenizer: Tokenizer, model: tract.Runnable, names: Sequence[str], max_length: int) -> None:
        self._tokenizer, self._model, self._names = tokenizer, model, names
        self.max_length = max_length
        self.batch = 8

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode in batches of texts of like length."""
        return in_batches(texts, self.batch, self._encode)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        inputs = model_inputs(self._tokenizer, texts)
        tokens = self._model.run([inputs[name] for name in self._names])[0].to_numpy()
        return mean_pooled(tokens, inputs["attention_mask"])


def load(settings: Settings) -> Model:
    """Load the folder's only graph, batch and length left open."""
    model = tract.onnx().load(Path(settings.model, only_file(settings.model, "*.onnx")))
    names = [model.input_name(index) for index in range(model.input_count())]
    for index in range(len(names)):
        model.set_input_fact(index, "B,S,i64")
    runnable = model.into_model().into_runnable()
    return Model(load_tokenizer(settings.model), runnable, names, sentence_length(settings.model))
