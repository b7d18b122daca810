"""Whole runs with real processes, on an artifact of some kilobytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from biolord_bench.results.results import Results
from biolord_bench.run.driver import SPARE_MB, Workers, run, slug
from biolord_bench.run.jobs import Job
from biolord_bench.run.journal import Journal
from biolord_bench.run.machine import describe_machine
from biolord_bench.run.steps import steps
from biolord_bench.run.summarize import summarize
from biolord_bench.workloads.counted import Written
from biolord_bench.workloads.workloads import GENERATED
from unit.bench.run.fixtures import THREADS, plan
from unit.runtime.command import wait_for

pytestmark = pytest.mark.slow

BULK = [name for name in GENERATED if name != "queries"]


def quiet(_line: str) -> None:
    """Say nothing."""


def test_every_row_takes_its_turn_in_every_step(
    jobs: Sequence[Job], texts: Mapping[str, Written], tmp_path: Path
) -> None:
    """Rows stand next to each other within a step, and each repeat begins with another one."""
    reference = replace(jobs[0], name="reference", reference=True)
    turns = list(plan([*jobs, reference], texts, tmp_path, 3).turns())
    starts = [turn.job.name for turn in turns if turn.step.name == "start" and not turn.job.reference]
    assert starts == ["takes all", "cuts", "missing", "cuts", "missing", "takes all", "missing", "takes all", "cuts"]
    every = steps(texts)
    names = [step.name for step in every]
    assert [turn.step.name for turn in turns if (turn.repeat, turn.job.name) == (0, "cuts")] == names
    assert {turn.step.name for turn in turns if turn.repeat > 0} == {step.name for step in every if not step.once}
    assert [turn.step.name for turn in turns if turn.job is reference] == ["start", "tune", "vectors"]


def test_others_are_not_asked_for_what_only_ours_can_tell(
    jobs: Sequence[Job], texts: Mapping[str, Written], tmp_path: Path
) -> None:
    """Stages and grid look inside."""
    peer = replace(jobs[0], settings=replace(jobs[0].settings, adapter="fastembed"))
    asked = {turn.step.name for turn in plan([peer], texts, tmp_path).turns()}
    assert asked.isdisjoint({"stages", "grid"})
    assert {"start", "vectors", "names"} <= asked


def test_a_run_measures_what_there_is_and_says_what_is_not(
    jobs: Sequence[Job], texts: Mapping[str, Written], tmp_path: Path
) -> None:
    """A row gets figures; texts that a tool would cut are left out; a row that can't load keeps its reason."""
    said: list[str] = []
    whole_plan = plan(jobs, texts, tmp_path)
    with Journal(tmp_path / "journal.jsonl", "x") as journal:
        run(whole_plan, journal, said.append)
        results = summarize(whole_plan, journal, describe_machine(), "takes all")
    assert len(said) == len(journal.entries) == 2 * len(steps(texts)) + 1
    assert Results.from_json(results.to_json(), "r.json") == results
    whole, cutting, missing = results.rows
    assert "ArtifactError" in str(missing.error)
    assert jobs[2].settings.model in str(missing.error)
    assert not missing.measured
    assert (whole.error, whole.notes, whole.max_length) == (None, (), 4096)
    assert [bulk.workload for bulk in whole.bulk] == BULK
    assert all(bulk.texts_per_s > 0 and bulk.tokens_per_s > bulk.texts_per_s for bulk in whole.bulk)
    assert whole.start is not None
    assert (whole.start.process_ms or 0) > (whole.start.import_ms or 0) > 0
    assert whole.query is not None
    assert whole.query.p50_ms <= whole.query.p99_ms
    assert [(cell.batch, cell.length) for cell in whole.grid] == [(1, 8), (1, 32)]
    assert whole.stages is not None
    assert min(whole.stages.tokenize_ms, whole.stages.run_ms) > 0
    assert whole.batch_dependence is not None
    assert whole.batch_dependence.worst == pytest.approx(0, abs=1e-6)
    assert whole.fidelity is not None
    assert whole.fidelity.mean == pytest.approx(1)
    assert whole.fidelity.against == "takes all"
    assert "names: not run, the tool would cut these texts" in cutting.notes


def test_every_row_tells_what_ran_it(jobs: Sequence[Job], texts: Mapping[str, Written], tmp_path: Path) -> None:
    """CPUs, onnxruntime and kernels, as the process itself found them."""
    import onnxruntime

    short = plan(jobs[:1], {"compared": texts["compared"]}, tmp_path)
    with Journal(tmp_path / "journal.jsonl", "x") as journal:
        run(short, journal, quiet)
        (row,) = summarize(short, journal, describe_machine(), None).rows
    assert row.onnxruntime == onnxruntime.__version__
    assert row.kernels is None  # stock operators
    assert (row.provider, row.threads, row.target) == ("cpu", THREADS, "cpu-fp32")
    if hasattr(os, "sched_getaffinity"):
        assert row.affinity == (min(os.sched_getaffinity(0)),)


def test_a_waiting_worker_is_ended_when_memory_is_short(
    jobs: Sequence[Job], texts: Mapping[str, Written], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without room for two processes the one that waits makes way, and another is loaded for its turn."""
    with Journal(tmp_path / "journal.jsonl", "x") as journal:
        workers = Workers(plan(jobs, texts, tmp_path), journal)
        first = workers.task(jobs[0], fresh=False).worker
        workers.keep(jobs[0], first)
        assert workers.task(jobs[0], fresh=False).worker is first
        workers.keep(jobs[0], first)
        monkeypatch.setattr("biolord_bench.run.driver.memory_available", lambda: SPARE_MB - 1)
        second = workers.task(jobs[1], fresh=False).worker
        assert not psutil.pid_exists(first.pid)
        workers.keep(jobs[1], second)
        workers.end_all()
        assert not psutil.pid_exists(second.pid)


def stopped() -> list[psutil.Process]:
    """List the workers that wait for their turn."""
    return [child for child in psutil.Process().children() if child.status() == psutil.STATUS_STOPPED]


def test_a_waiting_worker_that_dies_costs_its_row_a_step(
    jobs: Sequence[Job], texts: Mapping[str, Written], tmp_path: Path
) -> None:
    """Killed by the system, say: the next step has the reason, the one after it a new process, the others theirs."""
    few = plan(jobs[:2], {name: texts[name] for name in ("queries", "compared")}, tmp_path)
    killed: list[str] = []

    def kill(line: str) -> None:
        if "vectors" in line and "takes all" in line:
            killed.append(line)
            wait_for(stopped)  # the signal is on its way when the step is told
            for child in stopped():
                child.kill()

    with Journal(tmp_path / "journal.jsonl", "x") as journal:
        run(few, journal, kill)
        first, second = summarize(few, journal, describe_machine(), None).rows
    assert len(killed) == 1
    assert first.notes == ("queries: ended by signal 9",)
    assert first.query is None
    assert first.query_during_bulk is not None
    assert second.query_during_bulk is not None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker outlives a killed driver")
def test_a_killed_run_goes_on_where_it_was(jobs: Sequence[Job], texts: Mapping[str, Written], tmp_path: Path) -> None:
    """Killed without warning, the driver takes its workers with it; a second run keeps every finished figure."""
    path = tmp_path / "journal.jsonl"
    code = (
        "import sys; from pathlib import Path\n"
        "from biolord_bench.run.driver import run; from biolord_bench.run.journal import Journal\n"
        "from unit.bench.run.fixtures import make_jobs, plan, write_texts\n"
        "folder, *models = map(Path, sys.argv[1:])\n"
        "run(plan(make_jobs(*models), write_texts(folder), folder), Journal(folder / 'journal.jsonl', 'x'), print)\n"
    )
    driver = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), *(str(job.model) for job in jobs[:2])],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.DEVNULL,
    )
    while not path.exists() or path.read_text(encoding="utf-8").count("\n") < 5:
        assert driver.poll() is None
        time.sleep(0.01)
    workers = psutil.Process(driver.pid).children()
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    kept = path.read_text(encoding="utf-8").splitlines()[:5]
    assert workers
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    whole = plan(jobs, texts, tmp_path)
    with Journal(path, "x") as journal:
        run(whole, journal, quiet)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[:5] == kept
    assert len(lines) == 1 + len(journal.entries) == 2 * len(steps(texts)) + 2


def test_files_of_rows_are_told_apart() -> None:
    """Names that differ in a sign alone have other files; a name is always the same one's."""
    assert slug("tiny (/a/b)") != slug("tiny (/a-b)")
    assert slug("tiny (/a/b)") == slug("tiny (/a/b)")
    assert slug("Ärzte, memory=low").startswith("rzte-memory-low-")
