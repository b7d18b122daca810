"""Timing an embedder."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from biolord_bench import measure
from biolord_bench.protocol import Grid
from biolord_bench.workloads import Workload, generate
from biolord_onnx.artifact import open_artifact
from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import BiolordError
from biolord_onnx.session import open_session

TEXTS = tuple(f"cat {number}" for number in range(20))


def test_queries_are_timed_one_by_one(embedder: Embedder) -> None:
    """Percentiles in order, and the repeat's own median."""
    query = measure.query_latency(embedder, TEXTS)
    assert query.texts == 20
    assert 0 < query.p50_ms <= query.p95_ms <= query.p99_ms
    assert query.repeats_p50_ms == (query.p50_ms,)


@pytest.mark.parametrize("texts_a_call", [None, 8])
def test_bulk_counts_texts_and_tokens(embedder: Embedder, texts_a_call: int | None) -> None:
    """Tokens are those after the cut, in whatever calls the texts come."""
    long = "cat " * 100
    run = measure.bulk_speed(embedder, Workload("w", (*TEXTS, long), texts_a_call))
    assert run.tokens == int(embedder.count_tokens(TEXTS).sum()) + embedder.max_length  # type: ignore[union-attr]
    assert (run.bulk.workload, run.bulk.texts) == ("w", 21)
    assert run.bulk.tokens_per_s == pytest.approx(run.bulk.texts_per_s * run.tokens / 21)
    assert run.bulk.repeats_texts_per_s == (run.bulk.texts_per_s,)
    assert run.bulk.cpu_s_per_1000 is not None


def test_queries_during_a_bulk_job(embedder: Embedder) -> None:
    """They are timed while the other thread works, and it ends with them."""
    latency = measure.latency_during_bulk(embedder, TEXTS, generate("names", 300).texts)
    assert 0 < latency.p50_ms <= latency.p95_ms <= latency.p99_ms


def test_a_bulk_job_that_fails_is_not_hidden(tiny: Path) -> None:
    """Queries beside a job that died would look fast."""
    with Embedder.load(tiny) as closing:
        pass
    with pytest.raises(BiolordError, match="closed"):
        measure.latency_during_bulk(closing, (), TEXTS)


def test_doing_nothing_costs_little() -> None:
    """Less than one core, more than nothing at all."""
    assert 0 <= measure.idle_percent(0.05) < 50


def test_stages_add_up(tiny: Path) -> None:
    """Tokenising, the graph and the rest are parts of one run, none of them negative."""
    artifact = open_artifact(tiny)
    started = time.perf_counter()
    stages = measure.stages(artifact, open_session(artifact, threads=1), generate("names", 300).texts)
    milliseconds = 1000 * (time.perf_counter() - started)
    assert min(stages.tokenise_ms, stages.run_ms, stages.other_ms) > 0
    assert stages.tokenise_ms + stages.run_ms + stages.other_ms < milliseconds


def test_the_grid_has_every_shape_that_the_model_takes(tiny: Path) -> None:
    """Batches times lengths, without those over the limit of 16."""
    session = open_session(open_artifact(tiny), threads=1)
    cells = measure.grid_speed(session, np.array([5, 6, 7]), Grid((1, 4), (8, 16, 32)), 16)
    assert [(cell.batch, cell.length) for cell in cells] == [(1, 8), (1, 16), (4, 8), (4, 16)]
    assert all(cell.tokens_per_s == pytest.approx(1000 * cell.batch * cell.length / cell.ms) for cell in cells)


@pytest.mark.parametrize(
    ("spans", "covered"),
    [([], 0), ([(1, 2)], 1), ([(3, 4), (1, 2)], 2), ([(1, 3), (2, 4)], 3), ([(1, 9), (2, 3), (4, 5)], 8)],
)
def test_runs_side_by_side_count_once(spans: list[tuple[float, float]], covered: float) -> None:
    """What is asked is when any was under way."""
    assert measure._covered(spans) == covered


def test_texts_are_repeated_to_the_number_wanted() -> None:
    """From the start again, or cut."""
    assert measure.repeated(["a", "b"], 5) == ["a", "b", "a", "b", "a"]
    assert measure.repeated(["a", "b"], 1) == ["a"]
