"""Timing an embedder: single queries, bulk, both at once, stages, and a grid of shapes."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Literal, cast

import numpy as np
import tokenizers
from numpy.typing import NDArray

from biolord_onnx.artifact import Artifact
from biolord_onnx.bench.figures import Bulk, Cell, Latency, Query, Stages
from biolord_onnx.bench.protocol import Grid
from biolord_onnx.bench.workloads import Workload
from biolord_onnx.embedder import Embedder
from biolord_onnx.encoder import Encoder, load_tokenizer
from biolord_onnx.session import OrtSession, Session
from biolord_onnx.settings import resolve_settings
from biolord_onnx.unigram import Found, UnigramEncoder

_WARM_TEXTS = 64
_BULK_CHUNK = 256
_GRID_SECONDS = 0.4
_GRID_MOST_RUNS = 20

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class BulkRun:
    """A bulk figure and the tokens that went into it."""

    bulk: Bulk
    tokens: int


def query_latency(embedder: Embedder, queries: Sequence[str]) -> Query:
    """Time one call per query."""
    times = [_milliseconds(embedder, query) for query in queries]
    p50, p95, p99 = _percentiles(times)
    return Query(len(times), p50, p95, p99, (p50,))


def bulk_speed(embedder: Embedder, workload: Workload) -> BulkRun:
    """Encode a workload once, in the calls it asks for, after a few texts to warm up."""
    embedder.encode_with_info(workload.texts[:_WARM_TEXTS])
    size = workload.texts_a_call or len(workload.texts)
    tokens = 0
    cpu, started = time.process_time(), time.perf_counter()
    for at in range(0, len(workload.texts), size):
        counts = embedder.encode_with_info(workload.texts[at : at + size]).token_counts
        tokens += int(np.minimum(counts, embedder.max_length).sum())
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    texts = len(workload.texts)
    speed = texts / seconds
    bulk = Bulk(workload.name, texts, speed, tokens / seconds, 1000 * cpu_seconds / texts, (speed,))
    return BulkRun(bulk, tokens)


def latency_during_bulk(embedder: Embedder, queries: Sequence[str], texts: Sequence[str]) -> Latency:
    """Time single queries while another thread encodes texts without end."""
    running, enough = threading.Event(), threading.Event()

    def work() -> None:
        pieces = cycle([texts[at : at + _BULK_CHUNK] for at in range(0, len(texts), _BULK_CHUNK)])
        while not enough.is_set():
            running.set()
            embedder.encode_with_info(next(pieces))

    with ThreadPoolExecutor(max_workers=1) as executor:
        job = executor.submit(work)
        try:
            running.wait()
            times = [_milliseconds(embedder, query) for query in queries]
        finally:
            enough.set()
        job.result()
    return Latency(*_percentiles(times))


def idle_percent(seconds: float) -> float:
    """Watch the process do nothing; return the share of one core that it uses for that."""
    cpu, started = time.process_time(), time.perf_counter()
    time.sleep(seconds)
    return 100 * (time.process_time() - cpu) / (time.perf_counter() - started)


def stages(artifact: Artifact, session: Session, texts: Sequence[str]) -> Stages:
    """Split the time of one bulk run: tokenising, the graph, and the rest."""
    session_spans: list[Span] = []
    tokenizer_spans: list[Span] = []

    def timed_run(inner: OrtSession) -> OrtSession:
        return cast("OrtSession", _TimedSession(inner, session_spans))

    timed_session = replace(session, ort_session=timed_run(session.ort_session))
    encoder = Encoder(artifact.manifest, load_tokenizer(artifact), timed_session)
    timed = _TimedTokenizer(encoder.tokenizer.engine, tokenizer_spans)
    encoder = replace(encoder, tokenizer=replace(encoder.tokenizer, engine=cast("tokenizers.Tokenizer", timed)))
    settings = resolve_settings(
        normalized_checkpoint=artifact.manifest.normalized,
        normalize=None,
        batch_tokens=None,
        batch_size=None,
        overflow="truncate",
        precision="float32",
        read_ranges=lambda _: None,
    )
    encoder.encode(texts[:_WARM_TEXTS], settings, show_progress_bar=False)
    session_spans.clear()
    tokenizer_spans.clear()
    started = time.perf_counter()
    encoder.encode(texts, settings, show_progress_bar=False)
    whole = time.perf_counter() - started
    tokenising, running = _covered(tokenizer_spans), _covered(session_spans)
    other = whole - _covered([*tokenizer_spans, *session_spans])
    return Stages(1000 * tokenising, 1000 * running, 1000 * other)


def grid_speed(session: Session, ids: NDArray[np.int64], grid: Grid, max_length: int) -> tuple[Cell, ...]:
    """Time single runs of the graph by batch and length; lengths over the model's limit are left out.

    Args:
        session: of the graph.
        ids: int64 [n], token ids to fill the inputs with, again and again.
        grid: which runs.
        max_length: the model's limit.
    """
    lengths = [length for length in grid.lengths if length <= max_length]
    return tuple(_cell(session, ids, batch, length) for batch in grid.batches for length in lengths)


def _cell(session: Session, ids: NDArray[np.int64], batch: int, length: int) -> Cell:
    input_ids = np.resize(ids, (batch, length))
    mask = np.ones_like(input_ids)
    session.run(input_ids, mask, "sentence_embedding")
    times: list[float] = []
    while not times or (sum(times) < _GRID_SECONDS and len(times) < _GRID_MOST_RUNS):
        started = time.perf_counter()
        session.run(input_ids, mask, "sentence_embedding")
        times.append(time.perf_counter() - started)
    seconds = statistics.median(times)
    return Cell(batch, length, 1000 * seconds, batch * length / seconds)


def repeated(texts: Sequence[str], count: int) -> list[str]:
    """Return ``count`` texts, beginning again where they end."""
    return list(islice(cycle(texts), count))


def _milliseconds(embedder: Embedder, query: str) -> float:
    started = time.perf_counter()
    embedder.encode_with_info(query)
    return 1000 * (time.perf_counter() - started)


def _percentiles(times: Sequence[float]) -> tuple[float, float, float]:
    p50, p95, p99 = np.percentile(times, [50, 95, 99]).tolist()
    return p50, p95, p99


def _covered(spans: Sequence[Span]) -> float:
    """Return the time in which at least one run was under way: runs may overlap."""
    covered, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        covered += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return covered


@dataclass(frozen=True, slots=True)
class _TimedTokenizer:
    """Notes when each call of a tokenizer started and ended."""

    inner: tokenizers.Tokenizer | UnigramEncoder
    spans: list[Span]

    def encode_batch_fast(
        self, texts: Sequence[str], *, add_special_tokens: Literal[False]
    ) -> Sequence[tokenizers.Encoding | Found]:
        started = time.perf_counter()
        encodings: Sequence[tokenizers.Encoding | Found] = self.inner.encode_batch_fast(
            texts, add_special_tokens=add_special_tokens
        )
        self.spans.append((started, time.perf_counter()))
        return encodings


@dataclass(frozen=True, slots=True)
class _TimedSession:
    """Notes when each run of a session started and ended."""

    inner: OrtSession
    spans: list[Span]

    def run(self, output_names: list[str], input_feed: Mapping[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        started = time.perf_counter()
        result = self.inner.run(output_names, input_feed)
        self.spans.append((started, time.perf_counter()))
        return result
