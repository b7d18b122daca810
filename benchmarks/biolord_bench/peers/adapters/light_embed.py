"""light-embed with a local folder. It has no thread option: the worker's CPU affinity limits it."""

from __future__ import annotations

from light_embed import TextEmbedding

from biolord_bench.worker.tool import Batched, Settings, only_file

BATCHES = (8, 16, 32, 64)


def load(settings: Settings) -> Batched:
    """Load the folder's only graph with the checkpoint's pooling and L2."""
    graph = only_file(settings.model, "*.onnx")
    config = {"onnx_file": graph, "pooling_config_path": "1_Pooling", "normalize": True}
    model = TextEmbedding(settings.model, device="cpu", model_config=config)
    return Batched(lambda texts, size: model.encode(texts, batch_size=size), int(model.tokenizer.model_max_length))
