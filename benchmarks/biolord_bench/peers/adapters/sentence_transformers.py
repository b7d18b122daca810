"""sentence-transformers; the variant is its backend, or in torch the number format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from biolord_bench.worker.tool import Settings, only_file

BATCHES = (16, 32, 64, 128)
ENGINES = {"onnx": ("onnxruntime",)}
"""What a variant imports as it loads."""
GRAPHS = {"onnx": "*.onnx", "openvino": "*.xml"}
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Model:
    """A `SentenceTransformer`."""

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model
        self.max_length = int(model.max_seq_length or 0)
        self.batch = 32

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode without a progress bar."""
        vectors = self._model.encode(list(texts), batch_size=self.batch, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)


def load(settings: Settings) -> Model:
    """Load a checkpoint in torch, or the only graph in a converted folder (``onnx``, ``openvino``)."""
    torch.set_num_threads(settings.threads)
    if settings.variant in FORMATS:
        options: dict[str, object] = {"dtype": FORMATS[settings.variant]}
        return Model(SentenceTransformer(settings.model, device="cpu", model_kwargs=options))
    options = {"file_name": Path(only_file(settings.model, GRAPHS[settings.variant])).name}
    if settings.variant == "onnx":
        import onnxruntime

        session = onnxruntime.SessionOptions()
        session.intra_op_num_threads = settings.threads
        options |= {"provider": "CPUExecutionProvider", "session_options": session}
    else:
        options |= {"ov_config": {"INFERENCE_NUM_THREADS": settings.threads}}
    return Model(SentenceTransformer(settings.model, device="cpu", backend=settings.variant, model_kwargs=options))
