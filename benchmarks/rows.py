"""The rows of the comparison: one tool each, with the model file and the way to run it."""

from __future__ import annotations

from dataclasses import dataclass

CHECKPOINT = "all-mpnet-base-v2"
"""The base model of BioLORD-2023: same architecture, size and vocabulary, and to be had without the hub."""

REFERENCE = "sentence-transformers torch fp32"
"""The row whose vectors the others' fidelity is measured against."""


@dataclass(frozen=True, slots=True)
class Row:
    """A tool and how it is run.

    Attributes:
        name: unique label.
        adapter: module in `benchmarks.adapters`.
        environment: requirements file, without its ending.
        model: ``checkpoint``, a conversion of `benchmarks.convert`, or a target of ``biolord export``.
        tool: distribution whose version is reported.
        engine: distribution that does the arithmetic.
        variant: the adapter's word for how.
        target: of an artefact of ours; None for peers.
        asks_hub: whether the tool asks the model hub each time that it loads, so that its start is the network's.
        reason: why it can't run at all, where there is nothing to try.
    """

    name: str
    adapter: str
    environment: str
    model: str
    tool: str
    engine: str
    variant: str = ""
    target: str | None = None
    asks_hub: bool = False
    reason: str | None = None


def _ours(name: str, target: str, variant: str = "") -> Row:
    return Row(name, "biolord_onnx", "biolord-onnx", target, "biolord-onnx", "onnxruntime", variant, target)


OURS = (
    _ours("biolord-onnx cpu-int8", "cpu-int8"),
    _ours("biolord-onnx cpu-int8-block", "cpu-int8-block"),
    _ours("biolord-onnx cpu-fp32", "cpu-fp32"),
)

_ST = "sentence-transformers"
PEERS = (
    Row(REFERENCE, "sentence_transformers", "torch", "checkpoint", _ST, "torch", "torch"),
    Row(f"{_ST} onnx fp32", "sentence_transformers", "torch", "onnx", _ST, "onnxruntime", "onnx"),
    Row(f"{_ST} onnx qint8", "sentence_transformers", "torch", "onnx-qint8", _ST, "onnxruntime", "onnx"),
    Row(f"{_ST} openvino fp32", "sentence_transformers", "torch", "openvino", _ST, "openvino", "openvino"),
    Row(f"{_ST} openvino int8", "sentence_transformers", "torch", "openvino-int8", _ST, "openvino", "openvino"),
    Row("optimum ORTModel fp32", "optimum", "torch", "onnx", "optimum-onnx", "onnxruntime"),
    Row("fastembed fp32", "fastembed", "fastembed", "onnx", "fastembed", "onnxruntime"),
    Row("fastembed qint8", "fastembed", "fastembed", "onnx-qint8", "fastembed", "onnxruntime"),
    Row("light-embed fp32", "light_embed", "light-embed", "onnx", "light-embed", "onnxruntime"),
    Row(
        "EmbedAnything onnx fp32",
        "embed_anything",
        "embed-anything",
        "onnx",
        "embed-anything",
        "onnxruntime",
        asks_hub=True,
    ),
    Row("onnxruntime by hand qint8", "onnxruntime", "biolord-onnx", "onnx-qint8", "onnxruntime", "onnxruntime"),
    Row("CTranslate2 int8", "ctranslate2", "torch", "checkpoint", "ctranslate2", "ctranslate2"),
    Row(
        "text-embeddings-inference",
        "",
        "",
        "",
        "text-embeddings-inference",
        "candle",
        reason="has no package on PyPI: a Rust server to be built, or a Docker image",
    ),
)


def choose(peers: bool, wanted: str | None) -> tuple[Row, ...]:
    """Return the rows to run.

    Args:
        peers: whether the peers are among them.
        wanted: parts of names, comma-separated; None for all.

    Raises:
        ValueError: a part fits no row.
    """
    rows = (*OURS, *PEERS) if peers else OURS
    if wanted is None:
        return rows
    parts = [part.strip() for part in wanted.split(",")]
    for part in parts:
        if not any(part in row.name for row in rows):
            raise ValueError(f"no row is called {part!r}; there are: {', '.join(row.name for row in rows)}")
    return tuple(row for row in rows if any(part in row.name for part in parts))
