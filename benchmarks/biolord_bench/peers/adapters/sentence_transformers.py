"""sentence-transformers; the variant is its backend, or in torch the number format."""

from __future__ import annotations

from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer

from biolord_bench.worker.tool import Batched, Settings, only_file

BATCHES = (16, 32, 64, 128)
ENGINES = {"onnx": ("onnxruntime",)}
"""What a variant imports as it loads."""
GRAPHS = {"onnx": "*.onnx", "openvino": "*.xml"}
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def load(settings: Settings) -> Batched:
    """Load a checkpoint in torch, or the only graph in a converted folder (``onnx``, ``openvino``)."""
    torch.set_num_threads(settings.threads)
    if settings.variant in FORMATS:
        model = SentenceTransformer(settings.model, device="cpu", model_kwargs={"dtype": FORMATS[settings.variant]})
    else:
        options = {"file_name": Path(only_file(settings.model, GRAPHS[settings.variant])).name, **_limited(settings)}
        model = SentenceTransformer(settings.model, device="cpu", backend=settings.variant, model_kwargs=options)
    return Batched(
        lambda texts, size: model.encode(texts, batch_size=size, show_progress_bar=False),
        int(model.max_seq_length or 0),
    )


def _limited(settings: Settings) -> dict[str, object]:
    """Return the options that hold a backend to its threads."""
    if settings.variant == "openvino":
        return {"ov_config": {"INFERENCE_NUM_THREADS": settings.threads}}
    import onnxruntime

    session = onnxruntime.SessionOptions()
    session.intra_op_num_threads = settings.threads
    return {"provider": "CPUExecutionProvider", "session_options": session}
