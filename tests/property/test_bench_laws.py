"""Results survive their file, whatever stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_bench.report.cells import number
from biolord_bench.report.terminal import render
from biolord_bench.results.figures import (
    BatchDependence,
    Bulk,
    Cell,
    Fidelity,
    Latency,
    Memory,
    Query,
    Stages,
    Start,
)
from biolord_bench.results.merge import merge_results
from biolord_bench.results.results import FORMAT, Machine, Results, Row, Settings, WorkloadSize

pytestmark = pytest.mark.usefixtures("coverage_paused")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
COUNT = st.integers(1, 2**53)
FIGURE = st.floats(0, 1e12, allow_nan=False)
UNKNOWN = st.none() | FIGURE
COSINE = st.floats(-1, 1)
BULK = st.builds(Bulk, TEXT, COUNT, FIGURE, FIGURE, UNKNOWN, st.lists(FIGURE, min_size=1, max_size=2).map(tuple))
ROW = st.builds(
    Row,
    name=TEXT,
    tool=TEXT,
    engine=TEXT,
    python=st.none() | TEXT,
    provider=TEXT,
    threads=COUNT,
    setting=TEXT,
    affinity=st.none() | st.lists(st.integers(0, 300), max_size=3).map(tuple),
    onnxruntime=st.none() | TEXT,
    kernels=st.none() | TEXT,
    max_length=st.none() | COUNT,
    notes=st.lists(TEXT, max_size=1).map(tuple),
    target=st.none() | TEXT,
    file_mb=UNKNOWN,
    error=st.none(),
    start=st.none() | st.builds(Start, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    query=st.none() | st.builds(Query, COUNT, FIGURE, FIGURE, FIGURE, st.lists(FIGURE, max_size=1).map(tuple)),
    bulk=st.lists(BULK, max_size=1).map(tuple),
    query_during_bulk=st.none() | st.builds(Latency, FIGURE, FIGURE, FIGURE),
    memory=st.none() | st.builds(Memory, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    idle_cpu_percent=UNKNOWN,
    stages=st.none() | st.builds(Stages, FIGURE, FIGURE, FIGURE),
    grid=st.lists(st.builds(Cell, COUNT, COUNT, FIGURE, FIGURE), max_size=1).map(tuple),
    fidelity=st.none() | st.builds(Fidelity, COSINE, COSINE, COUNT, TEXT),
    batch_dependence=st.none() | st.builds(BatchDependence, COSINE, COSINE, COUNT),
)
RESULTS = st.builds(
    Results,
    format=st.just(FORMAT),
    created=TEXT,
    machine=st.builds(Machine, TEXT, st.lists(TEXT, max_size=1).map(tuple), COUNT, FIGURE, TEXT),
    settings=st.builds(Settings, st.none() | COUNT, st.booleans(), COUNT),
    workloads=st.dictionaries(TEXT, st.builds(WorkloadSize, COUNT, st.none() | COUNT, TEXT), max_size=1),
    rows=st.lists(ROW, max_size=2, unique_by=lambda row: row.name).map(tuple),
)


@given(RESULTS)
def test_results_survive_their_file(results: Results) -> None:
    """What is written is read back equal, and can be shown."""
    assert Results.from_json(results.to_json(), "r.json") == results
    assert render(results).startswith("machine  ")


@given(RESULTS)
def test_merging_with_itself_changes_nothing(results: Results) -> None:
    """As often as one likes."""
    assert merge_results([("a", results), ("b", results), ("c", results)]) == results


@given(st.floats(0, 1e15))
def test_a_written_figure_is_near_the_figure(value: float) -> None:
    """Within a part in two hundred, or half a thousandth."""
    assert abs(float(number(value).replace(",", "")) - value) <= max(0.0005001, value / 198)
