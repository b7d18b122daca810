"""The rows of artifacts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest

from biolord_bench.run.bench import run_bench
from biolord_bench.run.jobs import plan_jobs
from biolord_bench.run.options import Options
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.errors import ProviderError
from unit.bench.run.fixtures import BUDGET
from unit.runtime.tiny_artifact import tiny_manifest, write_tiny_artifact


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an artifact that several providers run."""
    manifest = replace(tiny_manifest(), name="portable", target="portable-fp32")
    return write_tiny_artifact(tmp_path_factory.mktemp("portable") / "artifact", manifest)


def test_every_installed_provider_is_taken(portable: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That runs the artifact's target, for each number of threads; names say what sets rows apart."""
    names = [f"{name}ExecutionProvider" for name in ("OpenVINO", "CPU")]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    jobs = plan_jobs([open_artifact(portable), open_artifact(tiny)], None, (1, 2))
    assert [(job.name, job.provider, job.settings.threads) for job in jobs] == [
        ("portable [cpu, 1 thread]", "cpu", 1),
        ("portable [cpu, 2 threads]", "cpu", 2),
        ("portable [openvino, 1 thread]", "openvino", 1),
        ("portable [openvino, 2 threads]", "openvino", 2),
        ("tiny-cpu-fp32 [1 thread]", "cpu", 1),
        ("tiny-cpu-fp32 [2 threads]", "cpu", 2),
    ]


def test_an_artifact_that_nothing_runs_has_a_row(tmp_path: Path) -> None:
    """It will say so; leaving it out would be silence."""
    folder = write_tiny_artifact(tmp_path / "gpu", replace(tiny_manifest(), target="cuda-fp16"))
    (job,) = plan_jobs([open_artifact(folder)], None, (1,))
    assert job.provider == "auto"


@pytest.mark.parametrize(
    ("name", "message"),
    [("cuda", "provider cuda is not in this onnxruntime"), ("gpu", "provider is 'gpu', expected auto or one of")],
)
def test_a_provider_that_is_not_there_is_refused_first(tiny: Path, name: str, message: str) -> None:
    """Before anything is measured."""
    with pytest.raises(ProviderError, match=message):
        plan_jobs([open_artifact(tiny)], ("cpu", name), (1,))


def test_artifacts_of_one_name_are_told_apart(tiny: Path, tiny_copy: Path) -> None:
    """By their folders."""
    jobs = plan_jobs([open_artifact(tiny), open_artifact(tiny_copy)], ("cpu",), (1,))
    assert [job.name for job in jobs] == [f"tiny-cpu-fp32 ({tiny})", f"tiny-cpu-fp32 ({tiny_copy})"]


def test_amx_that_is_left_unused_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is measured, and only where it applies."""
    options = Options((), None, ("cpu",), (1,), (), False, BUDGET, 1, False, None, None, None)
    said: list[str] = []
    run_bench(options, said.append)
    assert said == []
    monkeypatch.setattr(onnxruntime, "__version__", "1.32.0")
    monkeypatch.setattr("biolord_bench.run.bench.cpu_features", lambda: frozenset({"amx_int8"}))
    monkeypatch.setattr("biolord_onnx.session.amx.cpus_at_import", lambda: 1)
    run_bench(options, said.append)
    assert said[0].startswith("note: onnxruntime 1.32.0 uses no AMX in a process that may run on one CPU only")
