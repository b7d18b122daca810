"""A whole benchmark: jobs are made, texts written, rows measured in turns, figures summarized."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import biolord_bench
import biolord_onnx
from biolord_bench.peers.rows import REFERENCE, choose
from biolord_bench.results.results import Results
from biolord_bench.run.driver import Plan, Report, run
from biolord_bench.run.jobs import Job, own_job, plan_jobs
from biolord_bench.run.journal import Journal
from biolord_bench.run.machine import describe_machine
from biolord_bench.run.options import Options
from biolord_bench.run.prepare import Maker, build_folder
from biolord_bench.run.summarize import summarize
from biolord_bench.workloads.counted import Written
from biolord_bench.workloads.workloads import COMPARED, GRID, compared
from biolord_onnx.session.amx import amx_note
from biolord_onnx.session.cpu import cpu_features
from biolord_onnx.session.engine import import_onnxruntime


def run_bench(options: Options, report: Report) -> Results:
    """Measure every row; ``report`` is told what is under way, a line at a time.

    Raises:
        BiolordError: A provider isn't there, or the journal is another run's.
    """
    if note := amx_note(import_onnxruntime().__version__, cpu_features()):
        report(f"note: {note}")
    jobs = plan_jobs(options.artifacts, options.providers, options.threads, spinning=options.spinning)
    jobs += _peers(options, report)
    jobs, reference = _with_reference(options, jobs)
    with _folder(options.journal) as folder:
        plan = Plan(jobs, _write(options, folder), options.budget, options.repeats, folder)
        with Journal(options.journal or folder / "journal.jsonl", _name(plan)) as journal:
            run(plan, journal, report)
            return summarize(plan, journal, describe_machine(), reference)


def _peers(options: Options, report: Report) -> list[Job]:
    if options.peers is None:
        return []
    maker = Maker(build_folder(), options.peers, options.threads[0], report)
    return [maker.job(peer) for peer in choose(options.only)]


def _with_reference(options: Options, jobs: list[Job]) -> tuple[list[Job], str | None]:
    """Find the job whose vectors are the reference, made if need be; None: what manifests state is shown."""
    if options.reference is not None:
        for job in jobs:
            if job.model == options.reference.path and job.own and job.error is None:
                return jobs, job.name
        name = f"{options.reference.manifest.name} (reference)"
        made = own_job(options.reference.manifest.name, options.reference, "auto", options.threads[0])
        name = made.name if made.name not in {job.name for job in jobs} else name
        return [*jobs, replace(made, name=name, reference=True)], name
    return jobs, next((job.name for job in jobs if job.name == REFERENCE and job.error is None), None)


def _write(options: Options, folder: Path) -> dict[str, Written]:
    texts = folder / "texts"
    texts.mkdir(exist_ok=True)
    workloads = [*options.workloads, compared(options.budget.compared)]
    written = {workload.name: Written.write(workload, texts) for workload in workloads}
    return written | ({GRID: written[COMPARED]} if options.grid else {})


@contextmanager
def _folder(journal: Path | None) -> Iterator[Path]:
    """Give a folder for texts, vectors and logs: beside the journal, which needs them again, or one that goes."""
    if journal is None:
        with tempfile.TemporaryDirectory(prefix="biolord-bench-") as folder:
            yield Path(folder)
        return
    folder_beside = journal.with_name(f"{journal.name}.files")
    folder_beside.mkdir(exist_ok=True)
    yield folder_beside.resolve()


def _name(plan: Plan) -> str:
    """Name a run by all that its figures depend on, so that another run's figures don't get into it."""
    depends = (
        *(repr(job) for job in plan.jobs),
        *(f"{job.model}: {_files(job.model)}" for job in plan.jobs if job.error is None),
        *(f"{name}: {written.workload.sha256}" for name, written in plan.texts.items()),
        repr((plan.budget, plan.repeats)),
        *(_files(Path(str(package.__file__)).parent) for package in (biolord_onnx, biolord_bench)),
    )
    return hashlib.sha256("\n".join(depends).encode()).hexdigest()[:16]


def _files(folder: Path) -> str:
    """Tell a folder's files and when each was changed."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return hashlib.sha256(
        "\n".join(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in found).encode()
    ).hexdigest()
