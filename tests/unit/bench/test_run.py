"""Running a benchmark, with real worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest

from biolord_bench import run
from biolord_bench.protocol import Grid
from biolord_bench.results import Results
from biolord_bench.run import Plan, ask_worker, plan_jobs, run_bench
from biolord_bench.workloads import generate
from biolord_onnx.artifact import open_artifact
from biolord_onnx.errors import BiolordError, ProviderError
from unit.runtime.tiny_artifact import tiny_manifest, write_tiny_artifact

PLAN = Plan(
    providers=("cpu",),
    threads=(1,),
    bulk=(generate("names", 30),),
    queries=generate("queries", 10),
    time_queries=True,
    grid=Grid((1,), (8,)),
    repeats=2,
    idle_seconds=0.01,
)


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an artefact that several providers run."""
    manifest = replace(tiny_manifest(), name="portable", target="portable-fp32")
    return write_tiny_artifact(tmp_path_factory.mktemp("portable") / "artefact", manifest)


def available(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Pretend that onnxruntime has these providers."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [f"{name}ExecutionProvider" for name in names])


def test_each_repeat_is_a_process_and_rows_take_turns(tiny: Path, portable: Path) -> None:
    """A row without figures has an error, and doesn't cost the others theirs; nor is it tried again."""
    artifacts = [open_artifact(tiny), open_artifact(portable)]
    said: list[str] = []
    jobs = [*plan_jobs(artifacts, PLAN), run.Job("broken", artifacts[0], "openvino", 1)]
    results = run_bench(jobs, PLAN, said.append)
    assert said[:5] == [
        "repeat 1 of 2, row 1 of 3: tiny-cpu-fp32, cpu, 1 thread",
        "repeat 1 of 2, row 2 of 3: portable, cpu, 1 thread",
        "repeat 1 of 2, row 3 of 3: broken, openvino, 1 thread",
        f"failed: {results.rows[2].error}",
        "repeat 2 of 2, row 1 of 3: tiny-cpu-fp32, cpu, 1 thread",
    ]
    assert len(said) == 6
    first, second, third = results.rows
    assert first.bulk_of("names") is not None
    assert second.query is not None
    assert len(second.query.repeats_p50_ms) == 2
    assert third.error is not None
    assert third.error.startswith("provider openvino is not installed: pip install")
    assert not third.measured
    assert results.settings.threads == 1
    assert results.settings.repeats == 2
    tokens = results.workloads["names"].tokens
    assert tokens is not None
    assert tokens > 30
    assert results.workloads["queries"].texts == 10
    assert Results.from_json(results.to_json(), "r.json") == results


def test_amx_that_is_left_unused_is_told(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is measured, and only where it applies."""
    plan, said = replace(PLAN, time_queries=False, bulk=(), repeats=1), list[str]()
    run_bench([], plan, said.append)
    assert said == []
    monkeypatch.setattr(onnxruntime, "__version__", "1.32.0")
    monkeypatch.setattr("biolord_bench.run.cpu_features", lambda: frozenset({"amx_int8"}))
    monkeypatch.setattr("biolord_onnx.amx.cpus_at_import", lambda: 1)
    run_bench(plan_jobs([open_artifact(tiny)], plan), plan, said.append)
    assert said[0].startswith(
        "note: onnxruntime 1.32.0 uses no AMX in a process that may run on one CPU only when it is"
    )
    assert said[1].startswith("repeat 1 of 1")


def test_what_was_not_measured_is_not_counted(tiny: Path) -> None:
    """Without figures the tokens of a workload are unknown; several numbers of threads are no single one."""
    plan = replace(PLAN, time_queries=False, threads=(1, 2), repeats=1)
    jobs = [run.Job("broken", open_artifact(tiny), "openvino", threads) for threads in plan.threads]
    results = run_bench(jobs, plan, lambda _: None)
    assert results.workloads["names"].tokens is None
    assert set(results.workloads) == {"names"}
    assert results.settings.threads is None
    assert [row.name for row in results.rows] == ["broken [1 thread]", "broken [2 threads]"]


def test_every_installed_provider_is_taken(portable: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That runs the artefact's target, for each number of threads."""
    available(monkeypatch, "OpenVINO", "CPU")
    plan = replace(PLAN, providers=None, threads=(1, 2))
    jobs = plan_jobs([open_artifact(portable), open_artifact(tiny)], plan)
    assert [(job.artifact.manifest.name, job.provider, job.threads) for job in jobs] == [
        ("portable", "cpu", 1),
        ("portable", "cpu", 2),
        ("portable", "openvino", 1),
        ("portable", "openvino", 2),
        ("tiny-cpu-fp32", "cpu", 1),
        ("tiny-cpu-fp32", "cpu", 2),
    ]


def test_an_artefact_that_nothing_runs_has_a_row(tmp_path: Path) -> None:
    """It will say so; leaving it out would be silence."""
    folder = write_tiny_artifact(tmp_path / "gpu", replace(tiny_manifest(), target="cuda-fp16"))
    (job,) = plan_jobs([open_artifact(folder)], replace(PLAN, providers=None))
    assert job.provider == "auto"


@pytest.mark.parametrize(
    ("name", "message"),
    [("cuda", "provider cuda is not in this onnxruntime"), ("gpu", "provider is 'gpu', expected auto or one of")],
)
def test_a_provider_that_is_not_there_is_refused_first(tiny: Path, name: str, message: str) -> None:
    """Before anything is measured."""
    with pytest.raises(ProviderError, match=message):
        plan_jobs([open_artifact(tiny)], replace(PLAN, providers=("cpu", name)))


def test_artefacts_of_one_name_are_told_apart(tiny: Path, tiny_copy: Path) -> None:
    """By their folders."""
    jobs = plan_jobs([open_artifact(tiny), open_artifact(tiny_copy)], PLAN)
    assert [job.name for job in jobs] == [f"tiny-cpu-fp32 ({tiny})", f"tiny-cpu-fp32 ({tiny_copy})"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('it broke')", "^it broke$"),
        ("import sys; sys.exit(3)", "^it said nothing$"),
        (
            f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})",
            "^signal 9 ended the worker process: it said nothing",
        ),
    ],
)
def test_a_worker_that_dies_says_how(tiny: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str) -> None:
    """Out of memory, a crash in a driver: the row gets the last line or the signal."""
    monkeypatch.setattr(run, "COMMAND", (sys.executable, "-c", code))
    with pytest.raises(BiolordError, match=message):
        ask_worker(run._request(run.Job("x", open_artifact(tiny), "cpu", 1), PLAN, details=False), [])


def test_an_interruption_ends_the_worker(tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ctrl-C leaves no process behind."""
    note = tmp_path / "pid"
    code = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    monkeypatch.setattr(run, "COMMAND", (sys.executable, "-c", code))

    def interrupt(*_: object, **__: object) -> tuple[str, str]:
        while not (note.exists() and note.read_text(encoding="utf-8")):
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ask_worker(run._request(run.Job("x", open_artifact(tiny), "cpu", 1), PLAN, details=False), [])
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text(encoding="utf-8")), 0)
