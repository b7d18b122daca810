"""Whole runs with real processes, on an artefact of some kilobytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks.driver import SPARE_MB, Workers, run, slug
from benchmarks.journal import Journal
from benchmarks.prepare import Ready
from benchmarks.steps import BULK, ONCE, STEPS
from benchmarks.summary import results
from benchmarks.tables import rows_of
from benchmarks.texts import Written
from guards.readme import REPOSITORY
from unit.benchmarks.fixtures import THREADS, plan

ROWS_PER_REPEAT = 2 * len(STEPS) + 1


def quiet(_line: str) -> None:
    """Say nothing."""


def test_every_row_takes_its_turn_in_every_step(
    rows: Sequence[Ready], texts: Mapping[str, Written], tmp_path: Path
) -> None:
    """Rows stand next to each other within a step, and each repeat begins with another one."""
    turns = [(turn.repeat, turn.step, turn.ready.row.name) for turn in plan(rows, texts, tmp_path, 3).turns()]
    starts = [name for repeat, step, name in turns if step == "start"]
    assert starts == ["takes all", "cuts", "missing", "cuts", "missing", "takes all", "missing", "takes all", "cuts"]
    assert [step for repeat, step, name in turns if (repeat, name) == (0, "cuts")] == list(STEPS)
    assert {step for repeat, step, _ in turns if repeat > 0} == STEPS.keys() - ONCE


def test_a_run_measures_what_there_is_and_says_what_is_not(
    rows: Sequence[Ready], texts: Mapping[str, Written], tmp_path: Path
) -> None:
    """A row gets figures; texts that a tool would cut are left out; a row that can't load keeps its reason."""
    said: list[str] = []
    with Journal(tmp_path / "journal.jsonl") as journal:
        run(plan(rows, texts, tmp_path), journal, said.append)
        found = results(
            [ready.row for ready in rows], journal, texts, {"cuts": 1.5}, machine={}, threads=THREADS, repeats=1
        )
    assert len(said) == len(journal.entries) == ROWS_PER_REPEAT
    whole, cutting, missing = rows_of(found)
    assert "ArtifactError" in str(missing["error"])
    assert str(rows[2].model) in str(missing["error"])
    assert missing["start"] is missing["query"] is missing["memory"] is None
    assert whole["error"] is None
    assert whole["notes"] == []
    assert [entry["workload"] for entry in whole["bulk"]] == [*BULK, "mixed"]  # type: ignore[attr-defined]
    assert all(entry["texts_per_s"] > 0 for entry in whole["bulk"])  # type: ignore[attr-defined]
    assert whole["start"]["process_ms"] > whole["start"]["import_ms"] > 0  # type: ignore[index]
    assert whole["query"]["p50_ms"] <= whole["query"]["p99_ms"]  # type: ignore[index]
    assert whole["batch_dependence"]["worst"] == pytest.approx(0, abs=1e-6)  # type: ignore[index]
    assert "names: not run, the tool would cut these texts" in str(cutting["notes"])
    assert cutting["file_mb"] == 1.5


def test_a_waiting_worker_is_ended_when_memory_is_short(
    rows: Sequence[Ready], texts: Mapping[str, Written], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without room for two processes the one that waits makes way, and another is loaded for its turn."""
    workers = Workers(plan(rows, texts, tmp_path))
    first = workers.loaded(rows[0])
    workers.keep(rows[0], first)
    assert workers.loaded(rows[0]) is first
    workers.keep(rows[0], first)
    monkeypatch.setattr("benchmarks.driver.memory_available", lambda: SPARE_MB - 1)
    second = workers.loaded(rows[1])
    assert not alive(first.pid)
    workers.keep(rows[1], second)
    workers.end_all()
    assert not alive(second.pid)


def test_a_killed_run_goes_on_where_it_was(rows: Sequence[Ready], texts: Mapping[str, Written], tmp_path: Path) -> None:
    """Killed without warning, the driver takes its workers with it; a second run keeps every finished figure."""
    path = tmp_path / "journal.jsonl"
    code = (
        "import sys; from pathlib import Path\n"
        "from benchmarks.driver import run; from benchmarks.journal import Journal\n"
        "from benchmarks.texts import write_workloads; from unit.benchmarks.fixtures import plan, ready, BUDGET\n"
        "folder, *models = map(Path, sys.argv[1:])\n"
        "texts = write_workloads(folder / 'texts', models[0] / 'tokenizer.json', BUDGET.fidelity_texts)\n"
        "rows = [ready(name, model) for name, model in zip(('takes all', 'cuts', 'missing'), models)]\n"
        "run(plan(rows, texts, folder), Journal(folder / 'journal.jsonl'), print)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(REPOSITORY)])}
    driver = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), *(str(item.model) for item in rows)],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    while not path.exists() or path.read_text(encoding="utf-8").count("\n") < 4:
        assert driver.poll() is None
        time.sleep(0.01)
    workers = children(driver.pid)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    kept = path.read_text(encoding="utf-8").splitlines()[:4]
    assert workers
    until = time.monotonic() + 5
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < until
        time.sleep(0.01)
    with Journal(path) as journal:
        run(plan(rows, texts, tmp_path), journal, quiet)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[:4] == kept
    assert len(lines) == len(journal.entries) == ROWS_PER_REPEAT


def children(pid: int) -> list[int]:
    """List the processes that a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]


def alive(pid: int) -> bool:
    """Whether a process still runs; one that has ended and waits to be collected doesn't."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_slugs_are_file_names() -> None:
    """Names of rows become names of logs."""
    assert slug("biolord-onnx cpu-int8, twice=yes") == "biolord-onnx-cpu-int8-twice-yes"
