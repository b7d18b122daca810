"""What is measured of a row, one step after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biolord_bench.run.jobs import Job
from biolord_bench.run.journal import Data
from biolord_bench.run.process import WorkerProcess
from biolord_bench.workloads.counted import Counter, Written, fits
from biolord_bench.workloads.workloads import COMPARED, GRID, MIXED, QUERIES

TIMEOUT_S = 600.0
NO_TIMEOUT_S = 7 * 24 * 3600.0
"""For texts of the user's, however many."""
QUERIES_BEFORE_MEMORY = 40
SETTLING_S = 0.3
BATCH = 16
BATCHES, LENGTHS = (1, 8, 32), (8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to measure, in seconds unless said otherwise.

    Attributes:
        bulk: Of each generated workload in one call; tools encode as many of its texts as they get through.
        queries: Of single queries.
        least_queries: Number of them, however long they take.
        mixed: Of small requests.
        contend: Of single queries during a bulk job.
        idle: Without a request, to see what the process uses all the same.
        compared: Number of texts that vectors are compared on.
        batches: Of the grid.
    """

    bulk: float = 3.0
    queries: float = 2.0
    least_queries: int = 100
    mixed: float = 1.5
    contend: float = 2.0
    idle: float = 1.0
    compared: int = 240
    batches: tuple[int, ...] = BATCHES
    lengths: tuple[int, ...] = LENGTHS


QUICK = Budget(
    bulk=0.5,
    queries=0.3,
    least_queries=10,
    mixed=0.3,
    contend=0.5,
    idle=0.3,
    compared=32,
    batches=BATCHES[:2],
    lengths=LENGTHS[::2],
)


@dataclass(frozen=True, slots=True)
class Task:
    """What a step gets.

    Attributes:
        worker: Its process; for `start`, not asked anything yet.
        vectors: Where the row's vectors go, without the ending.
        max_length: The tool's limit in tokens; unknown before `start`.
        batch: The batch size that `tune` found, or None.
    """

    job: Job
    worker: WorkerProcess
    texts: Mapping[str, Written]
    counter: Counter
    budget: Budget
    vectors: Path
    max_length: float
    batch: float | None

    def ask(self, do: str, texts: str, timeout: float = TIMEOUT_S, **more: object) -> Data:
        """Ask the worker about a workload."""
        return self.worker.ask(timeout, do=do, texts=str(self.texts[texts].path), **more)


Measure = Callable[[Task], Data | None]


@dataclass(frozen=True, slots=True)
class Step:
    """A measurement.

    Attributes:
        measure: Makes it; None where there is nothing to measure.
        once: Whether it needs no repeats.
        own: Whether only this project's models can be asked for it.
        reference: Whether a reference that gets no row is asked for it, too.
    """

    name: str
    measure: Measure
    once: bool = False
    own: bool = False
    reference: bool = False


def steps(workloads: Mapping[str, Written]) -> list[Step]:
    """List the steps for some workloads, in the order of a repeat; among them may be `GRID`, which has no texts."""
    timed = [name for name in workloads if name not in {COMPARED, GRID}]
    bulk = [name for name in timed if name not in {QUERIES, MIXED}]
    found = [Step("start", start, reference=True), Step("tune", tune, once=True, reference=True)]
    found.append(Step("vectors", vectors, once=True, reference=True))
    found += [Step(QUERIES, queries)] * (QUERIES in timed)
    found += [Step(name, _bulk(name)) for name in bulk]
    found += [Step(MIXED, mixed)] * (MIXED in timed)
    found += [Step("contend", contend, once=True)] * (QUERIES in timed)
    found += [Step("stages", _own("stages", COMPARED), once=True, own=True)]
    found += [Step(GRID, _own("grid", COMPARED), once=True, own=True)] * (GRID in workloads)
    return found


def first_vector(task: Task) -> Data:
    """Have a process that was just started encode one text."""
    return task.ask("start", COMPARED, batch=task.batch, tool=task.job.tool, engine=task.job.engine)


def start(task: Task) -> Data:
    """Time a process from its start to its first vector, then see what it keeps: memory and idle processor time."""
    worker = task.worker
    first = first_vector(task)
    process_ms = 1000 * (time.perf_counter() - worker.started)
    task.ask("queries", COMPARED, seconds=0, least=QUERIES_BEFORE_MEMORY)
    time.sleep(SETTLING_S)
    memory, before = worker.memory(), worker.cpu_seconds()
    time.sleep(task.budget.idle)
    return {
        **first,
        "process_ms": process_ms,
        "resident_mb": memory.all_mb,
        "private_mb": memory.private_mb,
        "shared_mb": memory.all_mb - memory.private_mb,
        "idle_cpu_percent": 100 * (worker.cpu_seconds() - before) / task.budget.idle,
    }


def tune(task: Task) -> Data:
    """Let a tool that has batches of a fixed size choose the size."""
    return task.ask("tune", COMPARED, other=str(task.texts[COMPARED].path))


def queries(task: Task) -> Data:
    """Time single queries."""
    answer = task.ask("queries", QUERIES, seconds=task.budget.queries, least=task.budget.least_queries)
    return {"ms": answer["ms"]}


def _bulk(name: str) -> Measure:
    """Return the step that encodes a workload in one call."""

    def step(task: Task) -> Data | None:
        workload = task.texts[name].workload
        if not fits(task.counter.count(task.job.model, workload), task.job.limit, task.max_length):
            return None
        seconds, timeout = (None, NO_TIMEOUT_S) if workload.whole else (task.budget.bulk, TIMEOUT_S)
        return _with_tokens(task, name, task.ask("bulk", name, timeout, seconds=seconds))

    return step


def mixed(task: Task) -> Data:
    """Encode small requests of mixed length, one after the other."""
    size = task.texts[MIXED].workload.texts_a_call
    return _with_tokens(task, MIXED, task.ask("calls", MIXED, group=size, seconds=task.budget.mixed))


def contend(task: Task) -> Data:
    """Time single queries while another thread of the process encodes names and sentences in bulk."""
    return task.ask("contend", QUERIES, seconds=task.budget.contend, other=str(task.texts[COMPARED].path))


def vectors(task: Task) -> Data:
    """Write vectors: of all texts in one call, and of the first ones alone and in mixed batches of 16."""
    few = min(4 * BATCH, task.budget.compared)
    for name, group, first in (("all", 0, task.budget.compared), ("alone", 1, few), ("batch", BATCH, few)):
        task.ask("vectors", COMPARED, first=first, group=group, file=f"{task.vectors}-{name}.npy")
    return {"file": str(task.vectors)}


def _own(what: str, texts: str) -> Measure:
    """Return the step that asks one of this project's models for what others can't tell."""
    return lambda task: task.ask("own", texts, what=what, batches=task.budget.batches, lengths=task.budget.lengths)


def _with_tokens(task: Task, name: str, answer: Data) -> Data:
    count = int(float(str(answer["texts"])))
    tokens = np.minimum(task.counter.count(task.job.model, task.texts[name].workload), task.job.limit)
    return {**answer, "tokens": float(tokens[:count].sum())}
