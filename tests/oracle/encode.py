"""What sentence-transformers makes of some texts. Run by the oracle's interpreter, never imported by a test.

    python encode.py REQUEST.json

The request: `model` (a checkpoint folder), `texts` (a list of strings), `output` (the .npz to write), and the
options `pooling` ("mean", "cls" or null for the checkpoint's own modules), `max_length` (or null for the
checkpoint's own), `batch_size` and `threads`. `client.py` reads the answer.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling

PACKAGES = ("sentence-transformers", "tokenizers", "torch", "transformers")


def load(request: dict[str, Any]) -> SentenceTransformer:
    """Load the checkpoint on the CPU in fp32, with the pooling and the length limit that were asked for."""
    model = SentenceTransformer(
        request["model"], device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32}
    )
    if request["pooling"] is not None:
        transformer = model[0]
        pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode=request["pooling"])
        model = SentenceTransformer(modules=[transformer, pooling], device="cpu")
    if request["max_length"] is not None:
        model.max_seq_length = request["max_length"]
    return model


def token_ids(model: SentenceTransformer, texts: list[str]) -> list[list[int]]:
    """Return each text's ids from transformers' fast tokenizer, special tokens in, cut at the limit."""
    if not texts:
        return []
    encoded = model.tokenizer(texts, truncation=True, max_length=model.max_seq_length, padding=False)
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def main(request_file: Path) -> None:
    """Answer one request."""
    request = json.loads(request_file.read_text(encoding="utf-8"))
    torch.set_num_threads(request["threads"])
    model = load(request)
    texts: list[str] = request["texts"]
    vectors = model.encode(texts, batch_size=request["batch_size"], show_progress_bar=False)
    ids = token_ids(model, texts)
    about = {"max_length": model.max_seq_length, "versions": {name: version(name) for name in PACKAGES}}
    np.savez(
        request["output"],
        vectors=np.asarray(vectors, dtype=np.float32),
        token_ids=np.asarray([one for text in ids for one in text], dtype=np.int64),
        offsets=np.cumsum([0, *map(len, ids)], dtype=np.int64),
        about=np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
    )


if __name__ == "__main__":
    for name in sys.argv[1:]:
        main(Path(name))
