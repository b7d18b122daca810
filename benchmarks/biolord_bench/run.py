"""Running a benchmark: a fresh process for each repeat of each artefact, repeats of all rows taking turns."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from biolord_bench.combine import combine
from biolord_bench.machine import describe_machine
from biolord_bench.merge import distinct_names
from biolord_bench.protocol import Answer, Grid, Request, workloads_to_json
from biolord_bench.results import Results, Row, Settings, WorkloadSize
from biolord_bench.workloads import Workload
from biolord_onnx import __version__
from biolord_onnx.amx import amx_note
from biolord_onnx.artifact import Artifact
from biolord_onnx.cpu import cpu_features
from biolord_onnx.engine import import_onnxruntime
from biolord_onnx.errors import BiolordError
from biolord_onnx.plugins import available_providers
from biolord_onnx.providers import find_provider, installed_providers

COMMAND = (sys.executable, "-m", "biolord_bench.worker")
_SHORTEST_IDLE_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole benchmark.

    Attributes:
        providers: names; None takes every installed one that runs an artefact's target.
        threads: numbers of threads, one row each.
        bulk: workloads to encode in bulk.
        queries: texts to encode one by one.
        time_queries: whether their latency is wanted.
        grid: which single runs to time, or None.
        repeats: processes per row.
        spinning: whether threads without work keep their cores busy.
        reference: artefact folder to measure fidelity against, or None.
        idle_seconds: how long to watch a process do nothing.
    """

    providers: tuple[str, ...] | None
    threads: tuple[int, ...]
    bulk: tuple[Workload, ...]
    queries: Workload
    time_queries: bool
    grid: Grid | None
    repeats: int
    spinning: bool = False
    reference: str | None = None
    idle_seconds: float = _SHORTEST_IDLE_SECONDS


@dataclass(frozen=True, slots=True)
class Job:
    """A row to measure: its name, and an artefact with how it is run."""

    name: str
    artifact: Artifact
    provider: str
    threads: int


def plan_jobs(artifacts: Sequence[Artifact], plan: Plan) -> list[Job]:
    """List the rows of a benchmark.

    An artefact that nothing installed runs gets a row too, which will say so.

    Raises:
        MissingDependencyError: no onnxruntime is installed.
        ProviderError: a provider asked for by name is unknown or not installed.
    """
    available = available_providers(import_onnxruntime())
    asked = None if plan.providers is None else [find_provider(name, available).name for name in plan.providers]
    counts = Counter(artifact.manifest.name for artifact in artifacts)
    jobs = []
    for artifact in artifacts:
        name = artifact.manifest.name
        label = name if counts[name] == 1 else f"{name} ({artifact.path})"
        fit = [provider.name for provider in installed_providers(artifact.manifest.target, available)]
        for provider in asked or fit or ["auto"]:
            jobs += [Job(label, artifact, provider, threads) for threads in plan.threads]
    return jobs


def run_bench(jobs: Sequence[Job], plan: Plan, report: Callable[[str], object]) -> Results:
    """Measure every row.

    Args:
        jobs: the rows, from `plan_jobs`.
        plan: how.
        report: is told what is under way, a line at a time.

    Raises:
        MissingDependencyError: psutil is not installed.
    """
    machine = describe_machine()
    if note := amx_note(import_onnxruntime().__version__, cpu_features()):
        report(f"note: {note}")
    outcomes: list[list[Answer] | str] = [[] for _ in jobs]
    for repeat in range(plan.repeats):
        for number, job in enumerate(jobs):
            answers = outcomes[number]
            if isinstance(answers, str):
                continue
            report(f"repeat {repeat + 1} of {plan.repeats}, row {number + 1} of {len(jobs)}: {_label(job)}")
            try:
                answers.append(ask_worker(_request(job, plan, details=repeat == 0), plan.bulk))
            except BiolordError as error:
                report(f"failed: {error}")
                outcomes[number] = str(error)
    rows = [_row(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True)]
    threads = plan.threads[0] if len(plan.threads) == 1 else None
    return Results(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine,
        settings=Settings(threads, plan.spinning, plan.repeats, None),
        workloads=_sizes(plan, [answers[0].tokens for answers in outcomes if not isinstance(answers, str)]),
        rows=tuple(distinct_names(rows)),
    )


def ask_worker(request: Request, bulk: Sequence[Workload]) -> Answer:
    """Start a process that measures once.

    Args:
        request: what to measure; the time of its start is set here.
        bulk: workloads to encode in bulk.

    Raises:
        BiolordError: the process failed; the message is its last line.
    """
    started = replace(request, started=time.monotonic())
    lines = f"{started.to_json()}\n{workloads_to_json(list(bulk))}\n"
    process = subprocess.run(COMMAND, input=lines, capture_output=True, text=True, encoding="utf-8", check=False)
    if process.returncode != 0:
        said = process.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        how = f"signal {-process.returncode} ended the worker process: " if process.returncode < 0 else ""
        raise BiolordError(how + said[0])
    return Answer.from_json(process.stdout.splitlines()[-1])


def _request(job: Job, plan: Plan, *, details: bool) -> Request:
    return Request(
        artifact=str(job.artifact.path),
        provider=job.provider,
        threads=job.threads,
        spinning=plan.spinning,
        started=0.0,
        queries=plan.queries.texts,
        time_queries=plan.time_queries,
        idle_seconds=plan.idle_seconds,
        details=details,
        grid=plan.grid,
        reference=plan.reference,
    )


def _row(job: Job, outcome: list[Answer] | str) -> Row:
    if not isinstance(outcome, str):
        return replace(combine(outcome), name=job.name)
    manifest = job.artifact.manifest
    return Row(
        name=job.name,
        tool=f"biolord-onnx {__version__}",
        engine=f"onnxruntime {import_onnxruntime().__version__}",
        python=platform.python_version(),
        provider=job.provider,
        threads=job.threads,
        target=manifest.target,
        file_mb=sum(entry.size for entry in manifest.files) / 1e6,
        error=outcome,
    )


def _sizes(plan: Plan, tokens: Sequence[dict[str, int]]) -> dict[str, WorkloadSize]:
    sizes = {}
    for workload in (*plan.bulk, plan.queries) if plan.time_queries else plan.bulk:
        counts = {counted[workload.name] for counted in tokens}
        sizes[workload.name] = workload.size(counts.pop() if len(counts) == 1 else None)
    return sizes


def _label(job: Job) -> str:
    return f"{job.name}, {job.provider}, {job.threads} thread{'s' if job.threads > 1 else ''}"
