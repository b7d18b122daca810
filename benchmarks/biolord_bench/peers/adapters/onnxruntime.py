"""onnxruntime by hand: tokenizers, one session, mean pooling in numpy. What a short script of one's own would do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from biolord_bench.peers.adapters.tokenizing import load_tokenizer, model_inputs
from biolord_bench.worker.tool import Settings, in_batches, mean_pooled, only_file, sentence_length

BATCHES = (4, 8, 16, 32, 64)


class Model:
    """A tokenizer and a session."""

    def __init__(self, tokenizer: Tokenizer, session: onnxruntime.InferenceSession, max_length: int) -> None:
        self._tokenizer, self._session = tokenizer, session
        self._inputs = {node.name for node in session.get_inputs()}
        self.max_length = max_length
        self.batch = 32

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode in batches of texts of like length."""
        return in_batches(texts, self.batch, self._encode)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        inputs = model_inputs(self._tokenizer, texts)
        feeds = {name: values for name, values in inputs.items() if name in self._inputs}
        return mean_pooled(self._session.run(None, feeds)[0], inputs["attention_mask"])


def load(settings: Settings) -> Model:
    """Load the folder's only graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    path = Path(settings.model, only_file(settings.model, "*.onnx"))
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return Model(load_tokenizer(settings.model), session, sentence_length(settings.model))
