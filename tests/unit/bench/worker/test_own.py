"""What only our own models are asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pytest

from biolord_bench.peers.adapters.biolord_onnx import OwnModel, load
from biolord_bench.run.jobs import Job
from biolord_bench.worker.own import covered, measure
from biolord_bench.workloads.counted import Written


@pytest.fixture(scope="module")
def model(jobs: Sequence[Job]) -> OwnModel:
    """A model with one linear layer."""
    return load(jobs[0].settings)


def test_stages_add_up(model: OwnModel, texts: Mapping[str, Written]) -> None:
    """Tokenizing, the graph and the rest are parts of one run, none of them negative."""
    started = time.perf_counter()
    stages = measure(model, {"what": "stages", "texts": texts["names"].path})
    milliseconds = 1000 * (time.perf_counter() - started)
    parts = [float(str(part)) for part in stages.values()]
    assert min(parts[:2]) > 0
    assert parts[2] >= 0
    assert sum(parts) < milliseconds


def test_the_grid_has_every_shape_that_the_model_takes(jobs: Sequence[Job], texts: Mapping[str, Written]) -> None:
    """Batches times lengths, without those over the limit of 16."""
    request = {"what": "grid", "texts": texts["compared"].path, "batches": [1, 4], "lengths": [8, 16, 32]}
    found = measure(load(jobs[1].settings), request)
    assert (found["batch"], found["length"]) == ([1, 1, 4, 4], [8, 16, 8, 16])


@pytest.mark.parametrize(
    ("spans", "total"),
    [([], 0), ([(1, 2)], 1), ([(3, 4), (1, 2)], 2), ([(1, 3), (2, 4)], 3), ([(1, 9), (2, 3), (4, 5)], 8)],
)
def test_runs_side_by_side_count_once(spans: list[tuple[float, float]], total: float) -> None:
    """What is asked is when any was under way."""
    assert covered(spans) == total
