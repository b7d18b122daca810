"""EmbedAnything on its onnxruntime backend. It has no thread option: the worker's CPU affinity limits it.

It loads from the hub only and asks there for every file, even for those in the cache. So the folder is put into a
cache of its own as if it had come from there, and the hub is an address that refuses at once: otherwise the time to
load would be a time of the network.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_CACHE = tempfile.TemporaryDirectory(prefix="embed-anything-")
os.environ["HF_HOME"] = _CACHE.name
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"

from embed_anything import EmbeddingModel, TextEmbedConfig, WhichModel  # noqa: E402 - it may read the variables

from biolord_bench.worker.tool import Batched, Settings, only_file  # noqa: E402

REPOSITORY = "local/model"
COMMIT = "0" * 40
BATCHES = (8, 16, 32, 64)
MAX_LENGTH = 512  # what it makes of tokenizer_config.json


def load(settings: Settings) -> Batched:
    """Load the folder's only graph. BERT is the nearest architecture on offer: mean pooling and L2."""
    cached = Path(_CACHE.name, "hub", f"models--{REPOSITORY.replace('/', '--')}")
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    (cached / "snapshots").mkdir()
    (cached / "snapshots" / COMMIT).symlink_to(Path(settings.model).resolve())
    graph = only_file(settings.model, "*.onnx")
    model = EmbeddingModel.from_pretrained_onnx(WhichModel.Bert, hf_model_id=REPOSITORY, path_in_repo=graph)

    def encode(texts: list[str], size: int) -> list[list[float]]:
        return [data.embedding for data in model.embed_query(texts, config=TextEmbedConfig(batch_size=size))]

    return Batched(encode, MAX_LENGTH)
