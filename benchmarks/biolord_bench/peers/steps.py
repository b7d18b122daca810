"""What is measured of a row, one step after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from biolord_bench.peers.journal import Data
from biolord_bench.peers.process import WorkerProcess
from biolord_bench.peers.procfs import cpu_seconds, memory_of
from biolord_bench.peers.texts import MIXED_LENGTHS, Written
from biolord_bench.peers.workloads import REQUEST_SIZE

TIMEOUT_S = 600.0
QUERIES_BEFORE_MEMORY = 40
SETTLING_S = 0.3
BULK = ("names", "definitions", "long", "cut128")
BATCH = 16


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to measure, in seconds unless said otherwise.

    Attributes:
        bulk: of each workload in one call; tools encode as many of its texts as they get through.
        queries: of single queries.
        least_queries: number of them, however long they take.
        mixed: of small requests.
        contend: of single queries during a bulk job.
        idle: without a request, to see what the process uses all the same.
        fidelity_texts: number of texts that vectors are compared on.
    """

    bulk: float = 3.0
    queries: float = 2.0
    least_queries: int = 100
    mixed: float = 1.5
    contend: float = 2.0
    idle: float = 1.0
    fidelity_texts: int = 240


QUICK = Budget(bulk=0.5, queries=0.3, least_queries=10, mixed=0.3, contend=0.5, idle=0.3, fidelity_texts=32)


@dataclass(frozen=True, slots=True)
class Task:
    """What a step gets.

    Attributes:
        worker: the row's process; for `start`, not asked anything yet.
        texts: the workloads by name.
        budget: how long to measure.
        vectors: where the row's vectors go, without the ending.
        max_length: the row's limit in tokens; unknown before `start`.
        versions: distributions whose versions `start` asks for: tool and engine.
    """

    worker: WorkerProcess
    texts: Mapping[str, Written]
    budget: Budget
    vectors: Path
    max_length: float
    versions: tuple[str, str]


def start(task: Task) -> Data:
    """Time a process from its start to its first vector, then see what it keeps: memory and idle processor time."""
    worker, queries = task.worker, str(task.texts["queries"].path)
    first = worker.ask(TIMEOUT_S, do="start", texts=queries)
    process_ms = 1000 * (time.perf_counter() - worker.started)
    versions = worker.ask(TIMEOUT_S, do="versions", names=",".join(task.versions))
    worker.ask(TIMEOUT_S, do="queries", texts=queries, seconds=0, least=QUERIES_BEFORE_MEMORY)
    time.sleep(SETTLING_S)
    memory = memory_of(worker.pid)
    before = cpu_seconds(worker.pid)
    time.sleep(task.budget.idle)
    return {
        **first,
        "process_ms": process_ms,
        "tool": versions[task.versions[0]],
        "engine": versions[task.versions[1]],
        "resident_mb": memory.resident,
        "private_mb": memory.private,
        "shared_mb": memory.shared,
        "idle_cpu_percent": 100 * (cpu_seconds(worker.pid) - before) / task.budget.idle,
    }


def queries(task: Task) -> Data:
    """Time single queries."""
    budget = task.budget
    path = str(task.texts["queries"].path)
    answer = task.worker.ask(TIMEOUT_S, do="queries", texts=path, seconds=budget.queries, least=budget.least_queries)
    return {"ms": answer["ms"]}


def bulk(name: str) -> Callable[[Task], Data | None]:
    """Return the step that encodes a workload in one call."""

    def step(task: Task) -> Data | None:
        written = task.texts[name]
        if not written.fits(task.max_length):
            return None
        answer = task.worker.ask(TIMEOUT_S, do="bulk", texts=str(written.path), seconds=task.budget.bulk)
        return _with_tokens(answer, written)

    return step


def mixed(task: Task) -> Data:
    """Encode small requests of mixed length, one after the other."""
    written = task.texts["mixed"]
    answer = task.worker.ask(
        TIMEOUT_S, do="calls", texts=str(written.path), group=REQUEST_SIZE, seconds=task.budget.mixed
    )
    return _with_tokens(answer, written)


def contend(task: Task) -> Data:
    """Time single queries while another thread of the process encodes names and definitions in bulk."""
    paths = {"texts": str(task.texts["queries"].path), "other": str(task.texts[MIXED_LENGTHS].path)}
    return task.worker.ask(TIMEOUT_S, do="contend", seconds=task.budget.contend, **paths)


def vectors(task: Task) -> Data:
    """Write vectors: of all texts in one call, and of the first ones alone and in mixed batches of 16."""
    path = str(task.texts[MIXED_LENGTHS].path)
    few = min(4 * BATCH, task.budget.fidelity_texts)
    for name, group, first in (("all", 0, task.budget.fidelity_texts), ("alone", 1, few), ("batch", BATCH, few)):
        file = f"{task.vectors}-{name}.npy"
        task.worker.ask(TIMEOUT_S, do="vectors", texts=path, first=first, group=group, file=file)
    return {"file": str(task.vectors)}


def _with_tokens(answer: Data, written: Written) -> Data:
    count = answer["texts"]
    return {**answer, "tokens": float(written.tokens[: int(float(str(count)))].sum())}


STEPS: dict[str, Callable[[Task], Data | None]] = {
    "start": start,
    "vectors": vectors,
    "queries": queries,
    **{name: bulk(name) for name in BULK},
    "mixed": mixed,
    "contend": contend,
}
"""In the order of a repeat; those of `ONCE` are done in the first repeat only."""

ONCE = frozenset({"vectors", "contend"})
