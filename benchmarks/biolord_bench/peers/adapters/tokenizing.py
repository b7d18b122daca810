"""The tokenizer of a checkpoint, for engines that bring none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from biolord_bench.worker.tool import sentence_length


def load_tokenizer(folder: str) -> Tokenizer:
    """Load a tokenizer that cuts at the model's limit; padding to a fixed length, which some have, is reset."""
    tokenizer = Tokenizer.from_file(str(Path(folder, "tokenizer.json")))
    padding = tokenizer.padding or {"pad_id": 0, "pad_token": "[PAD]"}
    tokenizer.enable_padding(pad_id=padding["pad_id"], pad_token=padding["pad_token"])
    tokenizer.enable_truncation(sentence_length(folder))
    return tokenizer


def model_inputs(tokenizer: Tokenizer, texts: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Tokenize a batch; int64 [batch, length] each."""
    encodings = tokenizer.encode_batch(list(texts))
    return {
        "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
        "attention_mask": np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64),
        "token_type_ids": np.array([encoding.type_ids for encoding in encodings], dtype=np.int64),
    }
