"""What Prometheus is told."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.server.work.batcher import Batcher

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
TOKENS = (8, 16, 32, 64, 128, 256, 512)
QUERIES = (1, 2, 4, 8, 16)


class Metrics:
    """The figures of one server process."""

    def __init__(self, manifest: Manifest, provider: str, threads: int) -> None:
        """Begin at 0."""
        self._registry = CollectorRegistry()
        registry = self._registry
        self.requests = Counter("biolord_requests", "Requests answered.", ["route", "status"], registry=registry)
        self._stages = Histogram(
            "biolord_stage_seconds", "Time of a request by stage.", ["stage"], buckets=SECONDS, registry=registry
        )
        self._runs = Histogram("biolord_run_tokens", "Tokens of a run.", buckets=TOKENS, registry=registry)
        self._run_seconds = Counter("biolord_run_seconds", "Time spent running the graph.", registry=registry)
        self.pairs = Counter("biolord_pairs", "Pairs of query and text scored.", registry=registry)
        self.texts = Counter("biolord_texts", "Texts embedded.", registry=registry)
        self.tokens = Counter("biolord_tokens", "Tokens embedded.", registry=registry)
        self.truncated = Counter("biolord_truncated_texts", "Texts that were cut.", registry=registry)
        self._waiting = Gauge("biolord_queue_texts", "Texts that wait.", registry=registry)
        self._waiting_tokens = Gauge("biolord_queue_tokens", "Tokens that wait.", registry=registry)
        self._scans = Histogram("biolord_scan_queries", "Queries of a scan.", buckets=QUERIES, registry=registry)
        self._scan_seconds = Counter("biolord_scan_seconds", "Time spent scanning the index.", registry=registry)
        self._waiting_queries = Gauge("biolord_queue_queries", "Queries of searches under way.", registry=registry)
        Info("biolord_model", "What runs, and how.", registry=registry).info(
            {"name": manifest.name, "target": manifest.target, "provider": provider, "threads": str(threads)}
        )

    def stage(self, name: str, seconds: float) -> None:
        """Note how long a stage of a request took."""
        self._stages.labels(name).observe(seconds)

    def ran(self, tokens: int, seconds: float) -> None:
        """Note a run of the graph."""
        self._runs.observe(tokens)
        self._run_seconds.inc(seconds)

    def scanned(self, queries: int, seconds: float) -> None:
        """Note a scan of the index."""
        self._scans.observe(queries)
        self._scan_seconds.inc(seconds)

    def render(self, batcher: Batcher, queries: int) -> bytes:
        """Write everything in Prometheus's text format; ``queries`` are those of searches under way."""
        load = batcher.load
        self._waiting.set(load.texts)
        self._waiting_tokens.set(load.tokens)
        self._waiting_queries.set(queries)
        return generate_latest(self._registry)
