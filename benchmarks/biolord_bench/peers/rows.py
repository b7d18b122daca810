"""The other tools, a row each: the model it runs, and its best setting, in words that stand in the report."""

from __future__ import annotations

from dataclasses import dataclass, replace

from biolord_onnx.errors import InputError

REFERENCE = "sentence-transformers torch fp32"
"""The row whose vectors the others' fidelity is measured against."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool and how it is run.

    Attributes:
        adapter: Module in `biolord_bench.peers.adapters`.
        environment: Requirements file, without its ending.
        model: ``checkpoint``, or a conversion of `biolord_bench.peers.convert`.
        tool: Distribution whose version is reported.
        engine: Distribution that does the arithmetic.
        variant: The adapter's word for how.
        asks_hub: Whether the tool asks the model hub each time that it loads, so that its start is the network's.
        reason: Why it can't run at all, where there is nothing to try.
    """

    name: str
    adapter: str
    environment: str
    model: str
    tool: str
    engine: str
    setting: str
    variant: str = ""
    provider: str = "cpu"
    asks_hub: bool = False
    reason: str | None = None


_ST = "sentence-transformers"
_TEI = "text-embeddings-inference"
_SORTS = "sorts texts by length"
_AFFINITY = "CPU affinity for threads, which it has no option for"
_BY_HAND = "tokenizers, texts sorted by length, mean pooling in numpy"


def _torch(kind: str, setting: str) -> Peer:
    return Peer(f"{_ST} torch {kind}", "sentence_transformers", "torch", "checkpoint", _ST, "torch", setting, kind)


def _backend(backend: str, kind: str, model: str, engine: str, setting: str) -> Peer:
    name, provider = f"{_ST} {backend} {kind}", "openvino" if backend == "openvino" else "cpu"
    return Peer(name, "sentence_transformers", "optimum", model, _ST, engine, setting, backend, provider)


def _onnx(tool: str, kind: str, environment: str, distribution: str, setting: str) -> Peer:
    adapter, model = environment.replace("-", "_"), {"fp32": "onnx", "qint8": "onnx-qint8"}[kind]
    return Peer(f"{tool} {kind}", adapter, environment, model, distribution, "onnxruntime", setting)


def _genai(kind: str, model: str, setting: str) -> Peer:
    name, tool = f"OpenVINO GenAI {kind}", "openvino-genai"
    setting = f"TextEmbeddingPipeline, performance hint latency, texts sorted by length, {setting}"
    return Peer(name, "openvino_genai", tool, model, tool, "openvino", setting, provider="openvino")


def _library(tool: str, kind: str, model: str, distribution: str, setting: str) -> Peer:
    return Peer(f"{tool} {kind}", tool, tool, model, distribution, distribution, setting)


def _absent(name: str, distribution: str, engine: str, reason: str) -> Peer:
    return Peer(name, "", "", "", distribution, engine, "", reason=reason)


PEERS = (
    _torch("fp32", f"{_SORTS}, set_num_threads"),
    _torch("bf16", f"{_SORTS}, set_num_threads, weights in bfloat16"),
    _backend("onnx", "fp32", "onnx", "onnxruntime", f"{_SORTS}, optimum's ORTModel, its own export"),
    _backend("onnx", "qint8", "onnx-qint8", "onnxruntime", f"{_SORTS}, its own preset for AVX512-VNNI"),
    _backend("openvino", "fp32", "openvino", "openvino", f"{_SORTS}, its own export, which runs in bf16 on AMX"),
    _backend("openvino", "int8", "openvino-int8", "openvino", f"{_SORTS}, quantized by NNCF on this domain's texts"),
    _onnx("fastembed", "fp32", "fastembed", "fastembed", "custom model, in the order of arrival"),
    _onnx("fastembed", "qint8", "fastembed", "fastembed", "custom model, in the order of arrival"),
    _onnx("light-embed", "fp32", "light-embed", "light-embed", _AFFINITY),
    replace(_onnx("EmbedAnything onnx", "fp32", "embed-anything", "embed-anything", _AFFINITY), asks_hub=True),
    _onnx("onnxruntime by hand", "qint8", "onnxruntime", "onnxruntime", f"one session, {_BY_HAND}"),
    _genai("fp32", "openvino-genai", "its own export and tokenizer"),
    _genai("int8", "openvino-genai-int8", "quantized by NNCF on this domain's texts"),
    Peer(
        "biolord-onnx portable-int8 on OpenVINO's plugin",
        "biolord_onnx",
        "openvino-plugin",
        "portable-int8",
        "biolord-onnx",
        "onnxruntime-ep-openvino",
        "as it comes",
        "openvino",
        "openvino",
    ),
    _library("libembedding", "fp32", "onnx", "libembedding-ng", "in the order of arrival"),
    _library("libembedding", "qint8", "onnx-qint8", "libembedding-ng", "in the order of arrival"),
    _library("kjarni", "fp32", "checkpoint", "kjarni", f"encode_batch, texts sorted by length, {_AFFINITY}"),
    _library("tract", "fp32", "onnx", "tract", f"one thread, which is all it has, {_BY_HAND}"),
    _absent("CTranslate2", "ctranslate2", "ctranslate2", "has no loader for MPNet"),
    _absent(_TEI, _TEI, "candle", "has no package on PyPI: a Rust server to be built, or a Docker image"),
)


def choose(wanted: tuple[str, ...] | None) -> tuple[Peer, ...]:
    """Return the peers to run.

    Args:
        wanted: Parts of names; None for all.

    Raises:
        InputError: A part fits no peer.
    """
    if wanted is None:
        return PEERS
    for part in wanted:
        if not any(part in peer.name for peer in PEERS):
            raise InputError(f"no peer is called {part!r}; there are: {', '.join(peer.name for peer in PEERS)}")
    return tuple(peer for peer in PEERS if any(part in peer.name for part in wanted))
