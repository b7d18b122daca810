"""libembedding-ng with a local folder: a C++ library with an onnxruntime of its own inside."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from libembedding import TextEmbedding
from numpy.typing import NDArray

from biolord_bench.worker.tool import Settings, only_file, sentence_length

BATCHES = (4, 8, 16, 32, 64)
_FOLDER = tempfile.TemporaryDirectory(prefix="libembedding-")
"""It looks for the graph and the tokenizer in one folder, under names of its own."""


class Model:
    """A `TextEmbedding`."""

    def __init__(self, model: TextEmbedding, max_length: int) -> None:
        self._model = model
        self.max_length = max_length
        self.batch = 32

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode in the order of arrival."""
        vectors = self._model.embed(list(texts), batch_size=self.batch, normalized=True)
        return np.asarray(vectors, dtype=np.float32)


def load(settings: Settings) -> Model:
    """Load the folder's only graph."""
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
    return Model(model, length)
