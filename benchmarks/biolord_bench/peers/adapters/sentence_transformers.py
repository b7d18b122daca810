"""sentence-transformers; the variant is its backend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from biolord_bench.peers.settings import Settings, only_file

ENGINES = {"onnx": ("onnxruntime",)}
"""What a variant imports as it loads."""
GRAPHS = {"onnx": "*.onnx", "openvino": "*.xml"}


class Encoder:
    """A `SentenceTransformer`."""

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model
        self.max_length = int(model.max_seq_length or 0)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode in batches of 32, the default, without a progress bar."""
        return np.asarray(self._model.encode(list(texts), show_progress_bar=False), dtype=np.float32)


def load(settings: Settings) -> Encoder:
    """Load a checkpoint (``torch``) or the only graph in a converted folder (``onnx``, ``openvino``)."""
    torch.set_num_threads(settings.threads)
    if settings.variant == "torch":
        return Encoder(SentenceTransformer(settings.model, device="cpu"))
    options: dict[str, object] = {"file_name": Path(only_file(settings.model, GRAPHS[settings.variant])).name}
    if settings.variant == "onnx":
        import onnxruntime

        session = onnxruntime.SessionOptions()
        session.intra_op_num_threads = settings.threads
        options |= {"provider": "CPUExecutionProvider", "session_options": session}
    else:
        options |= {"ov_config": {"INFERENCE_NUM_THREADS": settings.threads}}
    return Encoder(SentenceTransformer(settings.model, device="cpu", backend=settings.variant, model_kwargs=options))
