"""Rows that run here: our own adapter on a tiny artefact, in this environment."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_bench.peers.driver import Plan
from biolord_bench.peers.prepare import Ready
from biolord_bench.peers.rows import Row
from biolord_bench.peers.steps import Budget
from biolord_bench.peers.texts import Written, write_workloads
from biolord_onnx.manifest import MaxLength
from unit.runtime.tiny_artifact import tiny_manifest, write_tiny_artifact

BUDGET = Budget(bulk=0.02, queries=0.02, least_queries=5, mixed=0.02, contend=0.02, idle=0.02, fidelity_texts=16)
THREADS = 1


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Ready]:
    """Two rows that run, of which one cuts long texts, and one that doesn't load."""
    folder = tmp_path_factory.mktemp("artifacts")
    whole = replace(tiny_manifest(), max_length=MaxLength(4096, "sentence_bert_config.json"))
    long = write_tiny_artifact(folder / "long", whole)
    short = write_tiny_artifact(folder / "short")
    return [
        ready("takes all", long),
        ready("cuts", short),
        ready("missing", folder / "nowhere"),
    ]


@pytest.fixture(scope="session")
def texts(rows: Sequence[Ready], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Written]:
    """The workloads, counted with the tiny tokenizer."""
    folder = tmp_path_factory.mktemp("texts")
    return write_workloads(folder, rows[0].model / "tokenizer.json", BUDGET.fidelity_texts)


def ready(name: str, model: Path) -> Ready:
    """Describe a row that is run with this interpreter."""
    row = Row(name, "biolord_onnx", "none", "cpu-fp32", "biolord-onnx", "onnxruntime", target="cpu-fp32")
    return Ready(row, Path(sys.executable), model)


def plan(rows: Sequence[Ready], texts: Mapping[str, Written], folder: Path, repeats: int = 1) -> Plan:
    """Plan a run of some milliseconds a step."""
    return Plan(rows, texts, BUDGET, repeats, THREADS, folder)
