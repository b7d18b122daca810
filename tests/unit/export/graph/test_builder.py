"""The builder: what it keeps once, and the files it writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, checker

from biolord_export.graph.builder import DATA_FILE, INLINE_BYTES, MICROSOFT, MODEL_FILE, GraphBuilder
from biolord_onnx.graph.file import read_graph
from unit.export.graph.running import evaluate

CACHE_LINE = 64
LARGE = np.arange(INLINE_BYTES, dtype=np.float32)


def doubling(constants: list[NDArray[np.float32]]) -> GraphBuilder:
    """Build a graph that adds constants to its input."""
    graph = GraphBuilder("test")
    value = graph.input("x", TensorProto.FLOAT, ["n"])
    for constant in constants:
        value = graph.op("Add", value, graph.constant(constant, "shift"))
    graph.output("y", value, TensorProto.FLOAT, ["n"])
    return graph


def saved(graph: GraphBuilder, folder: Path) -> onnx.ModelProto:
    """Save a graph and read its file without the weights."""
    return onnx.load(graph.save(folder), load_external_data=False)


def test_equal_constants_are_kept_once(tmp_path: Path) -> None:
    """The same values under other names are the same constant."""
    graph = GraphBuilder("test")
    first = graph.constant(np.array([1.0, 2.0], np.float32), "first")
    assert graph.constant(np.array([1.0, 2.0], np.float32), "second") == first == "first"
    assert graph.ints(1, 2) == graph.ints(1, 2)
    assert graph.scalar(1.5) == graph.scalar(1.5)
    assert len(saved(graph, tmp_path).graph.initializer) == 3


@pytest.mark.parametrize(
    "other",
    [
        np.array([1, 2], np.float64),
        np.array([[1, 2]], np.float32),
        np.array([1, 3], np.float32),
        np.array([1.0, 2.0, 0.0], np.float32),
        np.array([1.0, 2.0], np.float32).view(np.int32),
    ],
)
def test_constants_that_differ_in_anything_are_kept_apart(other: NDArray[np.generic]) -> None:
    """Type, shape and every bit count; equal names do not make them one."""
    graph = GraphBuilder("test")
    assert graph.constant(np.array([1, 2], np.float32), "c") != graph.constant(other, "c")


def test_negative_zero_is_a_constant_of_its_own() -> None:
    """Equality is that of bits, not of numbers."""
    graph = GraphBuilder("test")
    assert graph.scalar(0.0) != graph.scalar(-0.0)


def test_a_scalar_has_no_dimensions(tmp_path: Path) -> None:
    """Scalars and lists of one number are told apart."""
    graph = GraphBuilder("test")
    graph.scalar(3, np.int64)
    graph.ints(3)
    assert [list(tensor.dims) for tensor in saved(graph, tmp_path).graph.initializer] == [[], [1]]


def test_equal_nodes_are_kept_once() -> None:
    """The same operator on the same inputs with the same attributes is computed once."""
    graph = GraphBuilder("test")
    x = graph.input("x", TensorProto.FLOAT, [2, 4])
    assert graph.op("Softmax", x, axis=1) == graph.op("Softmax", x, axis=1)
    assert graph.op("Softmax", x, axis=0) != graph.op("Softmax", x, axis=1)
    assert graph.op("Softmax", x) != graph.op("LogSoftmax", x)
    assert graph.op("Gelu", x) != graph.op("Gelu", x, domain=MICROSOFT)


def test_a_node_with_several_outputs_names_each() -> None:
    """A split yields its parts in order."""
    graph = GraphBuilder("test")
    x = graph.input("x", TensorProto.FLOAT, ["n", 4])
    parts = graph.op_many("Split", x, outputs=2, axis=1, num_outputs=2)
    assert len(set(parts)) == 2
    assert graph.op_many("Split", x, outputs=2, axis=1, num_outputs=2) == parts
    values = np.arange(8, dtype=np.float32).reshape(2, 4)
    left, right = evaluate(graph, {"x": values}, *parts)
    np.testing.assert_array_equal(np.concatenate([left, right], 1), values)


def test_an_empty_name_leaves_an_optional_input_out() -> None:
    """Clip without a lower bound cuts only from above."""
    graph = GraphBuilder("test")
    clipped = graph.op("Clip", graph.input("x", TensorProto.FLOAT, ["n"]), "", graph.scalar(1.0))
    (found,) = evaluate(graph, {"x": np.array([-5, 0.5, 5], np.float32)}, clipped)
    np.testing.assert_array_equal(found, np.array([-5, 0.5, 1], np.float32))


def test_a_shape_is_an_attribute_too() -> None:
    """Attributes may be several numbers."""
    graph = GraphBuilder("test")
    x = graph.input("x", TensorProto.FLOAT, [2, 3])
    assert graph.op("Transpose", x, perm=(1, 0)) != graph.op("Transpose", x, perm=(0, 1))


def test_small_constants_stay_in_the_graph_and_large_ones_go_beside_it(tmp_path: Path) -> None:
    """The border is at INLINE_BYTES, so that the graph file holds no weights."""
    border = INLINE_BYTES // 4
    model = saved(doubling([LARGE[:border], LARGE[: border + 1]]), tmp_path)
    inline, external = model.graph.initializer
    assert (inline.data_location, len(inline.raw_data)) == (TensorProto.DEFAULT, INLINE_BYTES)
    assert (external.data_location, external.raw_data) == (TensorProto.EXTERNAL, b"")


def test_external_constants_are_aligned_and_fill_the_file(tmp_path: Path) -> None:
    """Each begins at a cache line, has its length stated, overlaps no other, and the last one ends the file."""
    constants = [LARGE[:count] for count in (257, 300, 999, 1000)]
    model = saved(doubling(constants), tmp_path)
    end = 0
    for tensor, array in zip(model.graph.initializer, constants, strict=True):
        entries = {entry.key: entry.value for entry in tensor.external_data}
        offset, length = int(entries["offset"]), int(entries["length"])
        assert entries["location"] == DATA_FILE
        assert offset % CACHE_LINE == 0
        assert end <= offset < end + CACHE_LINE
        assert length == array.nbytes
        end = offset + length
        stored = (tmp_path / DATA_FILE).read_bytes()[offset:end]
        np.testing.assert_array_equal(np.frombuffer(stored, np.float32), array)
    assert (tmp_path / DATA_FILE).stat().st_size == end


def test_the_graph_file_holds_no_weights(tmp_path: Path) -> None:
    """A megabyte of constants leaves a graph file of a few hundred bytes, which names the data file alone."""
    path = doubling([np.arange(1 << 18, dtype=np.float32)]).save(tmp_path)
    assert path == tmp_path / MODEL_FILE
    assert path.stat().st_size < 1000
    assert sorted(file.name for file in tmp_path.iterdir()) == [MODEL_FILE, DATA_FILE]
    found = [tensor.external for tensor in read_graph(path.read_bytes()).tensors if tensor.external]
    assert [dict(external.entries)["location"] for external in found] == [DATA_FILE]


def test_what_was_saved_computes_what_was_written() -> None:
    """Onnxruntime reads constants inside and outside of the file, whatever their order in memory was."""
    turned = np.arange(2048, dtype=np.float32).reshape(2, 1024).T
    graph = GraphBuilder("test")
    x = graph.input("x", TensorProto.FLOAT, ["n", 1024])
    value = graph.op("Add", graph.op("MatMul", x, graph.constant(turned)), graph.constant(np.ones(2, np.float32)))
    given = np.random.default_rng(0).normal(size=(3, 1024)).astype(np.float32)
    (found,) = evaluate(graph, {"x": given}, value)
    np.testing.assert_allclose(found, given @ turned + 1, rtol=1e-4, atol=1e-2)


def test_the_same_graph_gives_the_same_bytes(tmp_path: Path) -> None:
    """An export can be made again and compared by its hashes."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        doubling([LARGE, LARGE[:3]]).save(tmp_path / name)
    for file in (MODEL_FILE, DATA_FILE):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_broken_graph_is_not_passed_on(tmp_path: Path) -> None:
    """A node that reads what nothing yields is found by the checker when the graph is saved."""
    graph = GraphBuilder("test")
    graph.output("y", graph.op("Relu", "nothing"), TensorProto.FLOAT, ["n"])
    with pytest.raises(checker.ValidationError, match="nothing"):
        graph.save(tmp_path)


def test_the_file_says_what_it_needs(tmp_path: Path) -> None:
    """Operator sets, format version and producer are fixed, so that an old onnxruntime refuses what it can't run."""
    model = saved(doubling([LARGE]), tmp_path)
    assert {(one.domain, one.version) for one in model.opset_import} == {("", 21), (MICROSOFT, 1)}
    assert (model.ir_version, model.producer_name) == (10, "biolord-onnx")
