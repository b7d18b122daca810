"""The process that measures one artefact: reads a request on stdin, writes an answer on stdout.

``python -m biolord_bench.worker``, started by `biolord_bench.run`. Nothing heavy is imported before its clock
runs. An error is one line on stderr and exit code 2, as of every command.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from biolord_bench.figures import Memory, Start
from biolord_bench.protocol import QUERIES, Answer, Request, workloads_from_json
from biolord_bench.results import Row
from biolord_onnx import __version__
from biolord_onnx.errors import BiolordError

if TYPE_CHECKING:
    from biolord_bench.layers import Layer
    from biolord_onnx.artifact import Artifact
    from biolord_onnx.embedder import Embedder
    from biolord_onnx.session import Session

SETTLING_QUERIES = 40
QUERIES_DURING_BULK = 60
TEXTS_DURING_BULK = 1024


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What is there once the first vector is."""

    artifact: Artifact
    session: Session
    embedder: Embedder
    engine: str
    start: Start


def main(stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
    """Measure once; return the exit code."""
    request = Request.from_json(stdin.readline())
    try:
        answer = measure(request, stdin.readline)
    except BiolordError as error:
        stderr.write(" ".join(str(error).split()) + "\n")
        return error.exit_code
    stdout.write(answer.to_json() + "\n")
    return 0


def measure(request: Request, read_workloads: Callable[[], str]) -> Answer:
    """Measure an artefact.

    Args:
        request: what to do.
        read_workloads: gives the line with the texts of bulk jobs, which are not to be in memory before.

    Raises:
        BiolordError: the artefact or its provider can't be used.
    """
    loaded = _load(request)
    row, tokens = _repeat(loaded, request, read_workloads)
    layers = _layers(loaded.artifact)
    macs = sum(layer.macs for layer in layers)
    integer = 2 * sum(layer.macs for layer in layers if layer.integer) > macs
    if request.details:
        from biolord_bench.details import add_details

        row = add_details(row, loaded.artifact, loaded.session, request, layers)
    return Answer(row, tokens, macs, integer)


def _load(request: Request) -> _Loaded:
    """Do what a program does that wants one vector, and time it."""
    started = time.perf_counter()
    from biolord_onnx.artifact import open_artifact
    from biolord_onnx.embedder import Embedder
    from biolord_onnx.encoder import Encoder
    from biolord_onnx.engine import import_onnxruntime

    ort = import_onnxruntime()
    imported = time.perf_counter()
    artifact = open_artifact(request.artifact, verify_hashes=False)
    encoder = Encoder.load(artifact, provider=request.provider, threads=request.threads, spinning=request.spinning)
    embedder = Embedder(artifact, encoder)
    loaded = time.perf_counter()
    embedder.encode_with_info(request.queries[0])
    encoded, since_start = time.perf_counter(), time.monotonic() - request.started
    times = (imported - started, loaded - imported, encoded - loaded, since_start)
    start = Start(*(1000 * seconds for seconds in times))
    return _Loaded(artifact, encoder.session, embedder, f"onnxruntime {ort.__version__}", start)


def _repeat(loaded: _Loaded, request: Request, read_workloads: Callable[[], str]) -> tuple[Row, dict[str, int]]:
    """Measure what is repeated; return the row so far and the tokens of each workload."""
    import numpy as np

    from biolord_bench.measure import bulk_speed, idle_percent, latency_during_bulk, query_latency, repeated
    from biolord_bench.memory import peak_mb, resident

    embedder, queries = loaded.embedder, list(request.queries)
    query_latency(embedder, repeated(queries, SETTLING_QUERIES))
    settled, idle = resident(), idle_percent(request.idle_seconds)
    query = query_latency(embedder, queries) if request.time_queries else None
    workloads = workloads_from_json(read_workloads())
    runs = [bulk_speed(embedder, workload) for workload in workloads]
    during = None
    if request.time_queries and workloads:
        texts = workloads[0].texts[:TEXTS_DURING_BULK]
        during = latency_during_bulk(embedder, repeated(queries, QUERIES_DURING_BULK), texts)
    row = Row(
        name=loaded.artifact.manifest.name,
        tool=f"biolord-onnx {__version__}",
        engine=loaded.engine,
        python=platform.python_version(),
        provider=loaded.session.provider,
        threads=loaded.session.threads,
        target=loaded.artifact.manifest.target,
        file_mb=sum(entry.size for entry in loaded.artifact.manifest.files) / 1e6,
        error=None,
        start=loaded.start,
        query=query,
        bulk=tuple(run.bulk for run in runs) or None,
        query_during_bulk=during,
        memory=Memory(settled.all_mb, settled.private_mb, settled.all_mb - settled.private_mb, peak_mb()),
        idle_cpu_percent=idle,
    )
    counts = np.minimum(embedder.encode_with_info(queries).token_counts, embedder.max_length)
    return row, {QUERIES: int(counts.sum()), **{run.bulk.workload: run.tokens for run in runs}}


def _layers(artifact: Artifact) -> list[Layer]:
    from biolord_bench.layers import linear_layers

    return linear_layers(artifact.model_path.read_bytes())


if __name__ == "__main__":
    sys.exit(main(sys.stdin, sys.stdout, sys.stderr))
