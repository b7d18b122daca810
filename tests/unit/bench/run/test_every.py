"""``--providers all``: a row for every provider and kind of kernels, or why there is none."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest

from biolord_bench.peers.adapters import biolord_onnx as adapter
from biolord_bench.run.every import every_way
from biolord_bench.run.jobs import plan_jobs
from biolord_bench.worker.tool import Settings
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.errors import ArtifactError, InputError
from biolord_onnx.session import kernels
from biolord_onnx.session.providers import PROVIDERS
from unit.runtime.command import Biolord
from unit.runtime.compiled_artifact import write_compiled_artifact
from unit.runtime.tiny_artifact import tiny_manifest


@pytest.fixture
def no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave this machine's CPU provider, whatever is installed."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr("biolord_onnx.session.plugins.find_spec", lambda _: None)


@pytest.mark.usefixtures("no_plugins")
def test_every_provider_has_an_answer() -> None:
    """Those that run come first; the others say that they aren't installed, with the command, or don't fit."""
    ways = every_way(onnxruntime, replace(tiny_manifest(), target="portable-fp32"))
    assert [way.provider for way in ways if way.refusal is None] == ["cpu"]
    assert {way.provider for way in ways} == {provider.name for provider in PROVIDERS}
    said = {way.provider: way.refusal for way in ways}
    assert said["openvino"] == "provider openvino is not installed: pip install onnxruntime-ep-openvino"
    assert str(said["cuda"]).endswith("pip uninstall onnxruntime, then pip install 'biolord-onnx[cuda]'")
    unfit = {way.provider: way.refusal for way in every_way(onnxruntime, replace(tiny_manifest(), target="cpu-fp32"))}
    assert str(unfit["tensorrt"]).startswith("provider tensorrt does not run a cpu-fp32 artifact: cpu does")


@pytest.mark.usefixtures("no_plugins")
def test_every_kind_of_kernels_has_a_row(tmp_path: Path) -> None:
    """Where the artifact's operators are ours; what doesn't run has one row, however many threads are asked for."""
    folder = write_compiled_artifact(tmp_path / "own")
    jobs = plan_jobs([open_artifact(folder)], ("all",), (1, 2))
    assert [(job.settings.kernels, job.settings.threads) for job in jobs if job.error is None] == [
        (kind, count) for kind in kernels.available() for count in (1, 2)
    ]
    assert len({job.name for job in jobs}) == len(jobs)
    assert len([job for job in jobs if job.error]) == len(PROVIDERS) - 1


def test_all_stands_alone(tiny: Path) -> None:
    """What is named beside it would be forgotten, a misspelled provider too."""
    with pytest.raises(InputError, match="providers are all,nonsense, but all has every provider: name it alone"):
        plan_jobs([open_artifact(tiny)], ("all", "nonsense"), (1,))


@pytest.mark.usefixtures("no_plugins")
def test_the_table_has_them_all_and_no_failure(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """One page; what isn't installed is no failure of what is, and a reference isn't looked for among those."""
    page = tmp_path / "all.html"
    options = ("--quick", "--repeats", "1", "--threads", "1", "--workload", "queries", "--reference", tiny)
    outcome = biolord("bench", tiny, "--providers", "all", *options, "--json", "-", "--html", page)
    assert outcome.code == 0, outcome
    rows = json.loads(outcome.out)["rows"]
    assert [row["provider"] for row in rows if row["error"] is None] == ["cpu"]
    assert all(row["refused"] for row in rows if row["error"])
    assert rows[0]["fidelity"]["mean"] == pytest.approx(1)
    text = page.read_text(encoding="utf-8")
    assert all(f"[{provider.name}]" in text for provider in PROVIDERS)


def test_a_kind_of_kernels_reaches_the_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the variable that the operators read when they are loaded."""
    monkeypatch.setenv(kernels.VARIABLE, "")
    with pytest.raises(ArtifactError, match="does not exist"):
        adapter.load(Settings("biolord_onnx", str(tmp_path / "nowhere"), 1, "cpu", kernels="plain"))
    assert os.environ[kernels.VARIABLE] == "plain"
