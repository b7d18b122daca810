"""This project."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.settings import Settings
from biolord_onnx import Embedder
from biolord_onnx.engine import import_onnxruntime

import_onnxruntime()  # with the adapter, as the other tools' adapters do, and before the worker is kept to its cores


class Encoder:
    """An `Embedder`."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.max_length = embedder.max_length

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode with the defaults."""
        return np.asarray(self._embedder.encode(list(texts)), dtype=np.float32)


def load(settings: Settings) -> Encoder:
    """Load an artefact, hashes verified as by default."""
    return Encoder(Embedder.load(settings.model, threads=settings.threads))
