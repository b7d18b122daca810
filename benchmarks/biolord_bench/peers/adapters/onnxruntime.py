"""onnxruntime by hand: tokenizers, one session, mean pooling in numpy. What a short script of one's own would do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from biolord_bench.peers.settings import Settings, only_file, sentence_length

BATCH = 32


class Encoder:
    """A tokenizer and a session."""

    def __init__(self, tokenizer: Tokenizer, session: onnxruntime.InferenceSession, max_length: int) -> None:
        self._tokenizer = tokenizer
        self._session = session
        self._inputs = {node.name for node in session.get_inputs()}
        self.max_length = max_length

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode in batches of 32, sorted by characters as sentence-transformers does."""
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        ordered = [texts[index] for index in order]
        batches = [self._encode(ordered[start : start + BATCH]) for start in range(0, len(ordered), BATCH)]
        return np.concatenate(batches)[np.argsort(order)]

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        encodings = self._tokenizer.encode_batch(list(texts))
        inputs = {
            "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64),
            "token_type_ids": np.array([encoding.type_ids for encoding in encodings], dtype=np.int64),
        }
        feeds = {name: values for name, values in inputs.items() if name in self._inputs}
        tokens = self._session.run(None, feeds)[0]
        mask = inputs["attention_mask"][..., None].astype(np.float32)
        pooled = (tokens * mask).sum(axis=1) / mask.sum(axis=1)
        return np.asarray(pooled / np.linalg.norm(pooled, axis=1, keepdims=True), dtype=np.float32)


def load(settings: Settings) -> Encoder:
    """Load the folder's only graph; padding to a fixed length, which some checkpoints have, is reset."""
    length = sentence_length(settings.model)
    tokenizer = Tokenizer.from_file(str(Path(settings.model, "tokenizer.json")))
    padding = tokenizer.padding or {"pad_id": 0, "pad_token": "[PAD]"}
    tokenizer.enable_padding(pad_id=padding["pad_id"], pad_token=padding["pad_token"])
    tokenizer.enable_truncation(length)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    path = Path(settings.model, only_file(settings.model, "*.onnx"))
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return Encoder(tokenizer, session, length)
