"""A row for each way to run a model, all in this process and over the same texts."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from biolord_bench.results.agreement import cosines
from biolord_bench.results.figures import BatchDependence, Bulk, Cell, Fidelity, Memory, Query
from biolord_bench.results.results import Row
from biolord_bench.workloads.workloads import COMPARED, Workload, compared, generate
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.embedder import Embedder
from biolord_onnx.encoding.model import load_tokenizer
from biolord_onnx.session.session import open_session
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from gpu_bench.onnx_side import BoundSide
from gpu_bench.torch_side import TorchSide, device_memory_mb

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
Run = Callable[[Ids, Ids], Vectors]
MIXED = 16
TIME_IS_UP = "not run: the time was up"


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured: texts of each kind, texts a batch, shapes of the grid, seconds for each of them."""

    queries: int
    names: int
    definitions: int
    compared: int
    batch: int
    batches: tuple[int, ...]
    lengths: tuple[int, ...]
    seconds: float


FULL = Amount(200, 20_000, 4_000, 512, 256, (1, 8, 32, 128, 512), (16, 64, 256), 0.3)
QUICK = Amount(5, 24, 8, 32, 8, (1, 4), (16,), 0.01)


@dataclass(frozen=True, slots=True)
class Plan:
    """A run on a device, which ends at a time of `time.perf_counter`."""

    device: str
    threads: int
    amount: Amount
    until: float
    workloads: dict[str, Workload] = field(default_factory=dict)

    def texts(self, name: str, count: int) -> list[str]:
        """Take the first texts of a workload, as often as it takes."""
        made = self.workloads.setdefault(name, compared(count) if name == COMPARED else generate(name))
        return (list(made.texts) * (1 + count // len(made.texts)))[:count]


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint, and its artifacts by the layout of their batches."""

    name: str
    checkpoint: Path
    artifacts: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Way:
    """A loaded model: it encodes texts, runs a batch of a given shape, and counts the tokens of texts."""

    encode: Callable[[Sequence[str]], Vectors]
    run: Run
    tokens: Callable[[Sequence[str]], int]


def measure(model: Model, plan: Plan) -> list[Row]:
    """Measure every way to run a model; one that fails, or that there is no time for, has the reason instead."""
    artifact = open_artifact(next(iter(model.artifacts.values())))
    tokenizer, limit = load_tokenizer(artifact), artifact.manifest.max_length.value
    reference = _batched(TorchSide(model.checkpoint, plan.device, "float32").run, tokenizer, limit, plan)
    exact = reference(plan.texts(COMPARED, plan.amount.compared))
    rows = []
    for blank, load in _ways(model, plan, tokenizer, limit):
        if time.perf_counter() > plan.until:
            rows.append(replace(blank, error=TIME_IS_UP))
            continue
        try:
            before = device_memory_mb()
            rows.append(_figures(blank, load(), plan, exact, before))
        except Exception as error:  # noqa: BLE001 - a row that fails mustn't take the others along
            rows.append(replace(blank, error=f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]))
    return rows


def _ways(model: Model, plan: Plan, tokenizer: Tokenizer, limit: int) -> Iterator[tuple[Row, Callable[[], Way]]]:
    def batched(run: Run) -> Way:
        return Way(_batched(run, tokenizer, limit, plan), run, tokens)

    def tokens(texts: Sequence[str]) -> int:
        return sum(map(len, tokenizer.tokenize(list(texts), limit).ids))

    for layout, folder in model.artifacts.items():
        blank = _blank(model, plan, f"{layout}", open_artifact(folder).manifest.target)
        yield blank, lambda folder=folder: _own(folder, plan, tokens)  # type: ignore[misc]
    folder = model.artifacts["padded"]
    manifest = open_artifact(folder).manifest
    for name, captured in (("padded, I/O binding", False), ("padded, CUDA graph", True)):
        blank = _blank(model, plan, name, manifest.target)
        if captured and plan.device != "cuda":
            continue
        yield (
            blank,
            lambda captured=captured: batched(  # type: ignore[misc]
                BoundSide(folder, plan.device, plan.threads, manifest.dim, captured=captured).run
            ),
        )
    for name, dtype, compiled in (
        ("torch float16", "float16", False),
        ("torch bfloat16", "bfloat16", False),
        ("torch.compile float16", "float16", True),
    ):
        yield (
            _blank(model, plan, name, None),
            lambda dtype=dtype, compiled=compiled: batched(  # type: ignore[misc]
                TorchSide(model.checkpoint, plan.device, dtype, compiled=compiled).run
            ),
        )


def _own(folder: Path, plan: Plan, tokens: Callable[[Sequence[str]], int]) -> Way:
    embedder = Embedder.load(folder, provider=plan.device, threads=plan.threads)
    session = open_session(open_artifact(folder), provider=plan.device, threads=plan.threads)
    return Way(
        lambda texts: np.asarray(embedder.encode(list(texts), normalize=True), dtype=np.float32),
        lambda ids, mask: session.run(ids, mask, "unit_embedding"),
        tokens,
    )


def _batched(run: Run, tokenizer: Tokenizer, limit: int, plan: Plan) -> Callable[[Sequence[str]], Vectors]:
    """Encode texts in padded batches of similar length, as sentence-transformers does."""

    def encode(texts: Sequence[str]) -> Vectors:
        ids = tokenizer.tokenize(list(texts), limit).ids
        order = sorted(range(len(ids)), key=lambda place: -len(ids[place]))
        parts = [order[start : start + plan.amount.batch] for start in range(0, len(order), plan.amount.batch)]
        found = np.concatenate([run(*_padded([ids[place] for place in part])) for part in parts])
        return found[np.argsort(order)]

    return encode


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    mask = np.zeros_like(ids)
    for place, row in enumerate(rows):
        ids[place, : len(row)], mask[place, : len(row)] = row, 1
    return ids, mask


def _figures(blank: Row, way: Way, plan: Plan, exact: Vectors, before: float | None) -> Row:
    amount = plan.amount
    texts = plan.texts(COMPARED, amount.compared)
    found = cosines(way.encode(texts), exact)
    alone, mixed = (np.concatenate([way.encode(part) for part in _parts(texts[:64], size)]) for size in (1, MIXED))
    apart = 1 - cosines(alone, mixed)
    bulk = tuple(_bulk(way, name, plan.texts(name, getattr(amount, name))) for name in ("names", "definitions"))
    queries = _queries(way, plan.texts("queries", amount.queries))
    shapes = [(batch, length) for batch in amount.batches for length in amount.lengths]
    grid = tuple(_cell(way, *shape, plan) for shape in shapes if time.perf_counter() < plan.until)
    after = device_memory_mb()
    held = None if before is None or after is None else Memory(max(0.0, after - before), None, None, None)
    return replace(
        blank,
        query=queries,
        bulk=bulk,
        grid=grid,
        memory=held,
        fidelity=Fidelity(float(found.mean()), float(found.min()), len(found), f"torch float32 on {plan.device}"),
        batch_dependence=BatchDependence(float(apart.mean()), float(apart.max()), len(apart)),
        notes=(f"alone and in batches of {MIXED} numbers differ by {np.abs(alone - mixed).max():.1e} at most",),
    )


def _queries(way: Way, texts: Sequence[str]) -> Query:
    for text in texts:
        way.encode([text])
    times = [1000 * _seconds(lambda text=text: way.encode([text])) for text in texts]  # type: ignore[misc]
    p50, p95, p99 = map(float, np.percentile(times, [50, 95, 99]))
    return Query(len(times), p50, p95, p99, (p50,))


def _bulk(way: Way, name: str, texts: list[str]) -> Bulk:
    way.encode(texts)
    seconds = _seconds(lambda: way.encode(texts))
    rate = len(texts) / seconds
    return Bulk(name, len(texts), rate, way.tokens(texts) / seconds, None, (rate,))


def _cell(way: Way, batch: int, length: int, plan: Plan) -> Cell:
    ids = np.random.default_rng(length).integers(5, 1000, (batch, length))
    mask, times = np.ones_like(ids), list[float]()
    for _ in range(3):
        way.run(ids, mask)
    while not times or sum(times) < plan.amount.seconds:
        times.append(_seconds(lambda: way.run(ids, mask)))
    ms = 1000 * median(times)
    return Cell(batch, length, ms, 1000 * batch * length / ms)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _parts(texts: Sequence[str], size: int) -> list[Sequence[str]]:
    return [texts[start : start + size] for start in range(0, len(texts), size)]


def _blank(model: Model, plan: Plan, name: str, target: str | None) -> Row:
    ours = target is not None
    engine = next(one for one in ("onnxruntime-gpu", "onnxruntime") if _has(one)) if ours else "torch"
    return Row(
        name=f"{model.name} {name}",
        tool=f"biolord-onnx {version('biolord-onnx')}" if ours else f"transformers {version('transformers')}",
        engine=f"{engine} {version(engine)}",
        python=platform.python_version(),
        provider=plan.device,
        threads=plan.threads,
        setting=f"{name}, texts sorted by length",
        affinity=None,
        onnxruntime=version(engine) if ours else None,
        kernels=None,
        target=target,
        file_mb=None,
        max_length=None,
        error=None,
    )


def _has(distribution: str) -> bool:
    try:
        version(distribution)
    except ModuleNotFoundError:  # PackageNotFoundError is one
        return False
    return True
