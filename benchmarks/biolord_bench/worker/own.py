"""What can be measured of this project's own models alone: stages, and a grid of shapes."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.embedder import Embedder
from biolord_onnx.encoding.encoder import Encoder
from biolord_onnx.encoding.model import load_tokenizer
from biolord_onnx.session.session import Session

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from biolord_bench.peers.adapters.biolord_onnx import OwnModel
    from biolord_bench.worker.tool import Model

Answer = dict[str, object]
Span = tuple[float, float]
_WARM_TEXTS = 64
_GRID_SECONDS = 0.4
_GRID_MOST_RUNS = 20


def measure(model: Model, request: Mapping[str, object]) -> Answer:
    """Measure what the request names as ``what``: ``stages`` or ``grid``."""
    measures = {"stages": stages, "grid": grid}
    return measures[str(request["what"])](cast("OwnModel", model), request)


def stages(model: OwnModel, request: Mapping[str, object]) -> Answer:
    """Split the time of one bulk run: tokenizing, the graph, and the rest."""
    tokenizer_spans, session_spans = list[Span](), list[Span]()
    tokenizer, session = load_tokenizer(model.artifact), model.encoder.session
    engine = SimpleNamespace(encode_batch_fast=_timed(tokenizer.engine.encode_batch_fast, tokenizer_spans))
    graph = SimpleNamespace(run=_timed(session.ort_session.run, session_spans))
    timed = replace(tokenizer, engine=cast("Tokenizer", engine)), replace(session, ort_session=graph)
    embedder = Embedder(model.artifact, Encoder(model.encoder.manifest, *timed))
    texts = _texts(request)
    embedder.encode(texts[:_WARM_TEXTS])
    session_spans.clear()
    tokenizer_spans.clear()
    started = time.perf_counter()
    embedder.encode(texts)
    whole = time.perf_counter() - started
    other = whole - covered([*tokenizer_spans, *session_spans])
    return {
        "tokenize_ms": 1000 * covered(tokenizer_spans),
        "run_ms": 1000 * covered(session_spans),
        "other_ms": 1000 * max(0.0, other),
    }


def grid(model: OwnModel, request: Mapping[str, object]) -> Answer:
    """Time single runs of the graph by batch and length; lengths over the model's limit are left out."""
    session, limit = model.encoder.session, model.max_length
    tokenized = load_tokenizer(model.artifact).tokenize(_texts(request), limit)
    ids = np.array([token for ids in tokenized.ids for token in ids], dtype=np.int64)
    shapes = [
        (batch, length)
        for batch in _numbers(request, "batches")
        for length in _numbers(request, "lengths")
        if length <= limit
    ]
    times = [1000 * _run_seconds(session, np.resize(ids, shape)) for shape in shapes]
    return {
        "batch": [float(batch) for batch, _ in shapes],
        "length": [float(length) for _, length in shapes],
        "ms": times,
    }


def covered(spans: Sequence[Span]) -> float:
    """Return the time in which at least one span was under way: runs may overlap."""
    total, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def _timed(method: Callable[..., object], spans: list[Span]) -> Callable[..., object]:
    """Have a method note when each call started and ended."""

    def call(*arguments: object, **named: object) -> object:
        started = time.perf_counter()
        result = method(*arguments, **named)
        spans.append((started, time.perf_counter()))
        return result

    return call


def _run_seconds(session: Session, input_ids: NDArray[np.int64]) -> float:
    mask = np.ones_like(input_ids)
    session.run(input_ids, mask, "sentence_embedding")
    times: list[float] = []
    while not times or (sum(times) < _GRID_SECONDS and len(times) < _GRID_MOST_RUNS):
        started = time.perf_counter()
        session.run(input_ids, mask, "sentence_embedding")
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _texts(request: Mapping[str, object]) -> list[str]:
    texts: list[str] = json.loads(Path(str(request["texts"])).read_text(encoding="utf-8"))
    return texts


def _numbers(request: Mapping[str, object], key: str) -> list[int]:
    return [int(number) for number in cast("Sequence[int]", request[key])]
