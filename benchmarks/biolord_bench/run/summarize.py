"""Turns a journal into results: medians over the repeats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from msgspec.structs import replace

from biolord_bench.results.agreement import NotComparableError, batch_dependence, fidelity
from biolord_bench.results.figures import Bulk, Cell, Fidelity, Latency, Memory, Query, Stages, Start
from biolord_bench.results.results import FORMAT, Machine, Results, Row, Settings, WorkloadSize
from biolord_bench.run.driver import Plan
from biolord_bench.run.jobs import Job
from biolord_bench.run.journal import Entry, Journal
from biolord_bench.workloads.counted import Written
from biolord_bench.workloads.workloads import GRID

T = TypeVar("T")


def summarize(plan: Plan, journal: Journal, machine: Machine, reference: str | None) -> Results:
    """Summarize a run; ``reference`` names the job whose vectors are compared with, None takes what manifests state."""
    jobs = [job for job in plan.jobs if not job.reference]
    threads = {job.settings.threads for job in jobs}
    return Results(
        format=FORMAT,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine,
        settings=Settings(
            threads.pop() if len(threads) == 1 else None, any(job.settings.spinning for job in jobs), plan.repeats
        ),
        workloads={name: _size(plan, written, jobs) for name, written in plan.texts.items() if name != GRID},
        rows=tuple(_Summary(plan, journal, job, reference).row() for job in jobs),
    )


def _size(plan: Plan, written: Written, jobs: Sequence[Job]) -> WorkloadSize:
    able = [job for job in jobs if job.error is None]
    tokens = {int(np.minimum(plan.counter.count(job.model, written.workload), job.limit).sum()) for job in able}
    texts = written.workload.texts
    return WorkloadSize(len(texts), tokens.pop() if len(tokens) == 1 else None, written.workload.sha256)


class _Summary:
    """The figures of one row."""

    def __init__(self, plan: Plan, journal: Journal, job: Job, reference: str | None) -> None:
        self._plan, self._job, self._reference, self._journal = plan, job, reference, journal
        self._starts = self._of("start")
        self._entries = [entry for entry in journal.entries.values() if entry.row == job.name]
        self._notes: list[str] = []

    def row(self) -> Row:
        """Put the row together; without figures if it never started."""
        job, first = self._job, self._starts[0] if self._starts else None
        error = next((entry.error for entry in self._starts if entry.error), None if first else "not measured")
        blank = Entry(job.name, 0, "start", None)
        told = first or blank
        limit, affinity = told.number("max_length"), told.numbers("affinity")
        row = Row(
            name=job.name,
            tool=_versioned(job.tool, told.text("tool")),
            engine=_versioned(job.engine, told.text("engine")),
            python=told.text("python"),
            provider=told.text("provider") or job.provider,
            threads=job.settings.threads,
            setting=self._setting(),
            affinity=tuple(map(int, affinity)) or None,
            onnxruntime=told.text("onnxruntime"),
            kernels=told.text("kernels"),
            target=job.target,
            file_mb=job.file_mb,
            max_length=int(limit) if limit else None,
            error=error,
            refused=job.own and job.error is not None,
        )
        return row if error else self._with_figures(row)

    def _with_figures(self, row: Row) -> Row:
        bulk = tuple(found for name in self._plan.texts if (found := _bulk(name, self._of(name))) is not None)
        figures = replace(
            row,
            start=None if self._job.asks_hub else _start(self._starts),
            query=_query(self._of("queries")),
            bulk=bulk,
            query_during_bulk=_latency(self._of("contend")),
            memory=self._memory(),
            idle_cpu_percent=_median(self._starts, "idle_cpu_percent"),
            stages=self._stages(),
            grid=self._grid(),
            fidelity=self._fidelity(),
            batch_dependence=self._compared(batch_dependence),
        )
        return replace(figures, notes=tuple(self._all_notes()))

    def _done(self, step: str) -> Entry | None:
        return next((entry for entry in self._of(step) if entry.data), None)

    def _of(self, step: str) -> list[Entry]:
        return self._journal.of(self._job.name, step)

    def _setting(self) -> str:
        tuned = self._done("tune")
        batch = tuned.number("batch") if tuned else None
        if tuned is None or batch is None:
            return self._job.setting
        sizes = tuned.numbers("sizes")
        tried = ", ".join(f"{size:.0f}" for size in sizes)
        return f"{self._job.setting}; batches of {batch:.0f}, the fastest of {tried}"

    def _memory(self) -> Memory:
        peaks = [peak for entry in self._entries if (peak := entry.number("peak_mb")) is not None]
        after, private, shared = (_median(self._starts, f"{name}_mb") for name in ("resident", "private", "shared"))
        return Memory(after, private, shared, max(peaks, default=None))

    def _stages(self) -> Stages | None:
        entry = self._done("stages")
        if entry is None:
            return None
        return Stages(*(entry.number(name) or 0.0 for name in ("tokenize_ms", "run_ms", "other_ms")))

    def _grid(self) -> tuple[Cell, ...]:
        return tuple(
            Cell(int(batch), int(length), ms, 1000 * batch * length / ms)
            for entry in self._of(GRID)
            for batch, length, ms in zip(*map(entry.numbers, ("batch", "length", "ms")), strict=True)
        )

    def _fidelity(self) -> Fidelity | None:
        """Compare with the reference; without one, take what the manifest states."""
        if self._reference is None:
            return self._job.stated
        name, reference = self._reference, _stem(self._journal.of(self._reference, "vectors"))
        return None if reference is None else self._compared(lambda stem: fidelity(stem, reference, name))

    def _compared(self, compare: Callable[[str], T]) -> T | None:
        stem = _stem(self._of("vectors"))
        if stem is None:
            return None
        try:
            return compare(stem)
        except NotComparableError as error:
            self._notes.append(f"vectors: {error}")
            return None

    def _all_notes(self) -> list[str]:
        hub = ["asks the model hub on every load, so its start isn't shown"] * self._job.asks_hub
        left_out = [
            f"{name}: not run, the tool would cut these texts"
            for name in self._plan.texts
            if any(entry.data is None and entry.error is None for entry in self._of(name))
        ]
        failures = [f"{entry.step}: {entry.error}" for entry in self._entries if entry.error]
        return list(dict.fromkeys([*hub, *left_out, *failures, *self._notes]))


def _start(entries: Sequence[Entry]) -> Start:
    return Start(*(_median(entries, name) for name in ("import_ms", "load_ms", "first_vector_ms", "process_ms")))


def _query(entries: Sequence[Entry]) -> Query | None:
    measured = [times for entry in entries if (times := entry.numbers("ms"))]
    latency = _latency(entries)
    if latency is None:
        return None
    fewest = min(len(times) for times in measured)
    return Query(fewest, latency.p50_ms, latency.p95_ms, latency.p99_ms, tuple(median(times) for times in measured))


def _latency(entries: Sequence[Entry]) -> Latency | None:
    measured = [np.percentile(times, [50, 95, 99]) for entry in entries if (times := entry.numbers("ms"))]
    return Latency(*(float(median(column)) for column in zip(*measured, strict=True))) if measured else None


def _bulk(workload: str, entries: Sequence[Entry]) -> Bulk | None:
    done = [entry for entry in entries if entry.number("seconds")]
    if not done:
        return None
    rates = tuple(_ratio(entry, "texts", "seconds") for entry in done)
    return Bulk(
        workload=workload,
        texts=int(median(entry.number("texts") or 0 for entry in done)),
        texts_per_s=median(rates),
        tokens_per_s=median(_ratio(entry, "tokens", "seconds") for entry in done),
        cpu_s_per_1000=1000 * median(_ratio(entry, "cpu_s", "texts") for entry in done),
        repeats_texts_per_s=rates,
    )


def _stem(entries: Sequence[Entry]) -> str | None:
    """Return where a row's vectors lie; None if they were never written, or are gone."""
    found = next((stem for entry in entries if (stem := entry.text("file"))), None)
    return found if found and Path(f"{found}-all.npy").exists() else None


def _median(entries: Sequence[Entry], name: str) -> float | None:
    values = [value for entry in entries if (value := entry.number(name)) is not None]
    return median(values) if values else None


def _ratio(entry: Entry, over: str, under: str) -> float:
    return (entry.number(over) or 0.0) / (entry.number(under) or 1.0)


def _versioned(distribution: str, version: str | None) -> str:
    return f"{distribution} {version}" if version else distribution
