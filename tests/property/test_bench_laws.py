"""Results survive their file, whatever stands in them, and the wire format is protobuf's."""

from __future__ import annotations

import onnx
from hypothesis import given
from hypothesis import strategies as st

from biolord_bench.figures import Bulk, Cell, Fidelity, Latency, Memory, Query, Roofline, Stages, Start
from biolord_bench.merge import merge_results
from biolord_bench.results import Machine, Results, Row, Settings, WorkloadSize
from biolord_bench.table import number, render
from biolord_bench.wire import field, fields, numbers

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
    python=TEXT,
    provider=TEXT,
    threads=COUNT,
    target=st.none() | TEXT,
    file_mb=UNKNOWN,
    error=st.none(),
    start=st.none() | st.builds(Start, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    query=st.none() | st.builds(Query, COUNT, FIGURE, FIGURE, FIGURE, st.lists(FIGURE, max_size=1).map(tuple)),
    bulk=st.none() | st.lists(BULK, max_size=1).map(tuple),
    query_during_bulk=st.none() | st.builds(Latency, FIGURE, FIGURE, FIGURE),
    memory=st.none() | st.builds(Memory, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    idle_cpu_percent=UNKNOWN,
    stages=st.none() | st.builds(Stages, FIGURE, FIGURE, FIGURE),
    grid=st.none() | st.lists(st.builds(Cell, COUNT, COUNT, FIGURE, FIGURE), max_size=1).map(tuple),
    roofline=st.none() | st.builds(Roofline, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    fidelity=st.none() | st.builds(Fidelity, COSINE, COSINE, COUNT, TEXT),
)
RESULTS = st.builds(
    Results,
    created=TEXT,
    machine=st.builds(Machine, TEXT, st.lists(TEXT, max_size=1).map(tuple), COUNT, FIGURE, TEXT),
    settings=st.builds(Settings, st.none() | COUNT, st.booleans(), COUNT, st.none() | COUNT),
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


@given(st.integers(0, 2**63 - 1), st.binary(max_size=300), st.text(st.characters(exclude_categories=["Cs"])))
def test_the_wire_format_is_protobufs(integer: int, data: bytes, text: str) -> None:
    """Written by hand, read by protobuf, and the other way round."""
    tensor = onnx.TensorProto(dims=[integer], raw_data=data, name=text)
    assert onnx.TensorProto.FromString(field(1, integer) + field(8, text) + field(9, data)) == tensor
    found = dict(fields(tensor.SerializeToString()))
    assert numbers(found[1]) == [integer]
    assert (found.get(9, b""), found.get(8, b"")) == (data, text.encode())


@given(
    st.lists(st.integers(0, 2**63 - 1), max_size=5), st.floats(width=32, allow_nan=False), st.floats(allow_nan=False)
)
def test_packed_and_fixed_numbers_are_read(packed: list[int], single: float, double: float) -> None:
    """Repeated numbers may stand together, and those of fixed size are stepped over."""
    tensor = onnx.TensorProto(int64_data=packed, float_data=[single], double_data=[double], name="x")
    found = dict(fields(tensor.SerializeToString()))
    assert numbers(found.get(7, b"")) == packed
    assert found[8] == b"x"
    attribute = onnx.AttributeProto(f=single or 1.0, name="n").SerializeToString()
    assert [(key, len(value)) for key, value in fields(attribute) if isinstance(value, bytes)] == [(1, 1), (2, 4)]
