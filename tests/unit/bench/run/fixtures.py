"""Rows that run here: our own adapter on a tiny artifact, in this environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_bench.run.driver import Plan
from biolord_bench.run.jobs import Job, own_job
from biolord_bench.run.steps import Budget
from biolord_bench.workloads.counted import Written
from biolord_bench.workloads.workloads import COMPARED, GENERATED, GRID, compared, generate
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import MaxLength
from unit.runtime.tiny_artifact import tiny_manifest, write_manifest, write_tiny_artifact

BUDGET = Budget(
    bulk=0.02,
    queries=0.02,
    least_queries=5,
    mixed=0.02,
    contend=0.02,
    idle=0.02,
    compared=16,
    batches=(1,),
    lengths=(8, 32),
)
THREADS = 1


@pytest.fixture(scope="session")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Job]:
    """Two rows that run, of which one cuts texts that the model would take, and one that doesn't load."""
    folder = tmp_path_factory.mktemp("artifacts")
    whole = replace(tiny_manifest(), max_length=MaxLength(4096, "sentence_bert_config.json"))
    long, short = (write_tiny_artifact(folder / name) for name in ("long", "short"))
    write_manifest(long, whole)
    return make_jobs(long, short)


def make_jobs(long: Path, short: Path) -> list[Job]:
    """Make the rows of two artifacts."""
    takes_all, cuts = (
        own_job(name, open_artifact(path), "cpu", THREADS) for name, path in (("takes all", long), ("cuts", short))
    )
    missing = replace(takes_all.settings, model=f"{long}/nowhere")
    return [takes_all, replace(cuts, limit=4096), replace(takes_all, name="missing", settings=missing)]


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Written]:
    """Every workload, written."""
    return write_texts(tmp_path_factory.mktemp("texts"))


def write_texts(folder: Path) -> dict[str, Written]:
    """Write every workload, and ask for the grid."""
    workloads = [*(generate(name) for name in GENERATED), compared(BUDGET.compared)]
    written = {workload.name: Written.write(workload, folder) for workload in workloads}
    return {**written, GRID: written[COMPARED]}


def plan(jobs: Sequence[Job], texts: Mapping[str, Written], folder: Path, repeats: int = 1) -> Plan:
    """Plan a run of some milliseconds a step."""
    return Plan(jobs, texts, BUDGET, repeats, folder)
