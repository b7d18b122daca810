"""libembedding-ng with a local folder: a C++ library with an onnxruntime of its own inside."""

from __future__ import annotations

import tempfile
from pathlib import Path

from libembedding import TextEmbedding

from biolord_bench.worker.tool import Batched, Settings, only_file, sentence_length

BATCHES = (4, 8, 16, 32, 64)
# It looks for the graph and the tokenizer in one folder, under names of its own.
_FOLDER = tempfile.TemporaryDirectory(prefix="libembedding-")


def load(settings: Settings) -> Batched:
    """Load the folder's only graph; texts are encoded in the order of arrival."""
    source, folder = Path(settings.model), Path(_FOLDER.name)
    graph = source / only_file(settings.model, "*.onnx")
    for path in (*graph.parent.glob("*"), *source.glob("*.json"), *source.glob("*.txt")):
        name = "model.onnx" if path == graph else path.name
        if path.is_file() and not (folder / name).exists():
            (folder / name).symlink_to(path.resolve())
    length = sentence_length(settings.model)
    model = TextEmbedding(
        str(folder), threads=settings.threads, offline=True, max_length=length, pooling="mean", quantization="none"
    )
    return Batched(lambda texts, size: model.embed(texts, batch_size=size, normalized=True), length)
