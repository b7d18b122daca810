"""This project; the variant is the provider."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biolord_bench.worker.tool import Settings
from biolord_onnx.artifact.folder import Artifact, open_artifact
from biolord_onnx.embedder import Embedder
from biolord_onnx.encoding.encoder import Encoder
from biolord_onnx.session import kernels
from biolord_onnx.session.engine import import_onnxruntime

import_onnxruntime()  # with the adapter, as the other tools' adapters do, and before the worker is kept to its cores


class OwnModel:
    """An `Embedder`, and what it is made of."""

    def __init__(self, artifact: Artifact, encoder: Encoder) -> None:
        self.artifact, self.encoder = artifact, encoder
        self.embedder = Embedder(artifact, encoder)
        self.max_length = self.embedder.max_length
        self.provider = encoder.session.provider
        self.kernels = kernels.chosen() if artifact.manifest.requires.operators else None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode with the defaults."""
        return np.asarray(self.embedder.encode(list(texts)), dtype=np.float32)


def load(settings: Settings) -> OwnModel:
    """Load an artifact, hashes verified as by default."""
    if settings.kernels:
        os.environ[kernels.VARIABLE] = settings.kernels
    artifact = open_artifact(settings.model, verify_hashes=False)  # beside loading the graph, as `Embedder.load`
    encoder = Encoder.load(
        artifact, provider=settings.variant or "auto", threads=settings.threads, spinning=settings.spinning
    )
    return OwnModel(artifact, encoder)
