"""What `make bench-cuda` says of figures and of nodes. It runs as a whole in tests/real/test_gpu_bench.py."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from msgspec.structs import replace

from biolord_bench.results.figures import Bulk, Fidelity, Query
from biolord_bench.results.results import Row
from gpu_bench.bars import judge
from gpu_bench.onnx_side import misplaced, open_session, shape_nodes
from unit.bench.results.sample import row


def figures(name: str, target: str | None, rate: float, query: float, cosine: float = 1.0) -> Row:
    """Make a row with what is judged."""
    return replace(
        row(name),
        target=target,
        bulk=(Bulk("names", 9, rate, rate, None, (rate,)),),
        query=Query(9, query, query, query, (query,)),
        fidelity=Fidelity(cosine, cosine, 9, "torch float32 on cuda"),
    )


THEIRS = figures("m torch float16", None, 100.0, 10.0)


@pytest.mark.parametrize(
    ("rate", "query", "cosine", "held"),
    [
        (130.0, 6.0, 0.9999, [True, True, True]),
        (129.0, 6.0, 0.9999, [True, False, True]),
        (130.0, 6.1, 0.9999, [True, True, False]),
        (130.0, 6.0, 0.9998, [False, True, True]),
    ],
)
def test_bars_hold_or_do_not(rate: float, query: float, cosine: float, held: list[bool]) -> None:
    """Cosine, names a second and the latency of a query, the last two beside torch in float16."""
    ours = figures("m packed", "cuda-fp16", rate, query, cosine)
    assert [holds for holds, _ in judge("m", [ours, THEIRS])] == held


def test_nothing_to_compare_with_is_a_miss() -> None:
    """What wasn't measured doesn't hold."""
    ours = figures("m packed", "cuda-fp16", 130.0, 6.0)
    assert judge("m", [ours])[1] == (False, "m: torch float16 was not measured")
    failed = replace(row("m packed"), target="cuda-fp16", error="OutOfMemory")
    assert not judge("m", [failed, THEIRS])[0][0]


def test_arithmetic_of_shapes_is_told_from_that_of_values() -> None:
    """Only the first may run on the CPU."""
    make = onnx.helper.make_node
    nodes = [
        make("Shape", ["ids"], ["shape"], name="shape"),
        make("Mod", ["shape", "eight"], ["rest"], name="rest"),
        make("Add", ["ids", "rest"], ["sum"], name="sum"),
    ]
    graph = onnx.helper.make_graph(
        nodes, "g", [], [], [onnx.helper.make_tensor("eight", onnx.TensorProto.INT64, [], [8])]
    )
    assert shape_nodes(graph) == {"shape", "rest"}


def test_nodes_elsewhere_are_found(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All run on the CPU here: none is elsewhere, and those that aren't arithmetic of shapes are, asked of a GPU."""
    assert misplaced(tiny, "cpu", 1, tmp_path) == []
    session = open_session(tiny, "cpu", 1, {}, str(tmp_path / "profile"))
    monkeypatch.setattr("gpu_bench.onnx_side.open_session", lambda *_: session)
    assert misplaced(tiny, "cuda", 1, tmp_path)


def test_a_provider_that_does_not_start_is_an_error(tiny: Path) -> None:
    """It would be slow, and pass for the GPU."""
    with pytest.warns(UserWarning, match="not in available"), pytest.raises(RuntimeError, match="cuda did not start"):
        open_session(tiny, "cuda", 1, {})
