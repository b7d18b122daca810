"""Copying a traced graph: what is kept, what is left behind, what is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from biolord_export.errors import ExportError
from biolord_export.graph.builder import MODEL_FILE, GraphBuilder
from biolord_export.portable.replay import Replacement, replay
from biolord_export.portable.standard import StandardGraph
from unit.export.portable.traced import Traced

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
FEED = {
    "input_ids": np.array([[2, 9, 8, 3], [2, 7, 3, 0]]),
    "attention_mask": np.array([[1, 1, 1, 1], [1, 1, 1, 0]]),
    "token_type_ids": np.zeros((2, 4), dtype=np.int64),
}


def copied(model: ModelProto, folder: Path, replaced: dict[str, Replacement] | None = None) -> ModelProto:
    """Copy a graph whole, under an output of its own, and read what was saved."""
    graph = StandardGraph("copy")
    names = [value.name for value in model.graph.input]
    inputs = {name: graph.input(name, TensorProto.INT64, ["batch", "sequence"]) for name in names}
    output = replay(model, graph, inputs, replaced or {})
    dims = model.graph.output[0].type.tensor_type.shape.dim
    graph.output("copy", output, TensorProto.FLOAT, [f"copy_{axis}" for axis in range(len(dims))])
    graph.save(folder)
    return onnx.load(folder / MODEL_FILE)


def computed(model: ModelProto) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Run a graph with the inputs that it has."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    feed = {value.name: FEED[value.name] for value in session.get_inputs()}
    found: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = session.run(None, feed)[0]
    return found


@dataclass(frozen=True)
class Doubling:
    """An operator to replace something with."""

    def emit(self, graph: GraphBuilder, x: str, /) -> str:
        """Add ``x + x``."""
        return graph.op("Add", x, x)


def on_ids(graph: Traced) -> str:
    """Begin a small graph: float32 ids."""
    return graph.node("Cast", "input_ids", to=TensorProto.FLOAT)


def test_a_copy_computes_the_same_bits(traced: ModelProto, tmp_path: Path) -> None:
    """A whole encoder, run through the copy, gives what the original gives."""
    np.testing.assert_array_equal(computed(copied(traced, tmp_path)), computed(traced))


def test_nodes_that_the_output_does_not_need_stay_behind(traced: ModelProto, tmp_path: Path) -> None:
    """The Tanh that nobody asks for is left out; every matmul that is asked for is there."""
    kinds = Counter(node.op_type for node in copied(traced, tmp_path).graph.node)
    assert "Tanh" in {node.op_type for node in traced.graph.node}
    assert kinds["Tanh"] == 0
    assert kinds["MatMul"] == sum(node.op_type == "MatMul" for node in traced.graph.node)


def test_constants_become_initializers_and_equal_ones_one(traced: ModelProto, tmp_path: Path) -> None:
    """No Constant node is left, and no two initializers hold the same."""
    graph = copied(traced, tmp_path).graph
    assert all(node.op_type != "Constant" for node in graph.node)
    held = [
        (tensor.data_type, tuple(tensor.dims), numpy_helper.to_array(tensor).tobytes()) for tensor in graph.initializer
    ]
    assert len(held) == len(set(held))


def test_a_constant_of_a_computed_shape_is_copied(tmp_path: Path) -> None:
    """What ConstantOfShape fills, the copy fills with the same value and type."""
    graph = Traced()
    threes = numpy_helper.from_array(np.array([3.0], dtype=np.float32))
    filled = graph.node("ConstantOfShape", graph.node("Shape", "input_ids"), value=threes)
    model = graph.model(["input_ids"], graph.node("Mul", filled, on_ids(graph)))
    np.testing.assert_array_equal(computed(copied(model, tmp_path)), 3.0 * FEED["input_ids"])


def test_attributes_and_omitted_inputs_are_kept(tmp_path: Path) -> None:
    """Numbers, lists, words and an input left out in the middle arrive as they were."""
    graph = Traced()
    turned = graph.node("Transpose", on_ids(graph), perm=[1, 0])
    clipped = graph.node("Clip", turned, "", graph.fixed(5.0, np.float32))
    padded = graph.node("Pad", clipped, graph.fixed([1, 0, 0, 0]), mode="edge")
    model = graph.model(["input_ids"], graph.node("LeakyRelu", padded, alpha=0.25))
    expected = np.pad(np.minimum(FEED["input_ids"].T, 5), ((1, 0), (0, 0)), mode="edge")
    np.testing.assert_array_equal(computed(copied(model, tmp_path)), expected)


def test_a_node_with_several_outputs_is_copied_with_all(tmp_path: Path) -> None:
    """Both halves of a Split go where they went."""
    graph = Traced()
    halves = helper.make_node("Split", [on_ids(graph)], ["left", "right"], axis=1, num_outputs=2)
    graph.nodes.append(halves)
    model = graph.model(["input_ids"], graph.node("Sub", "right", "left"))
    ids = FEED["input_ids"]
    np.testing.assert_array_equal(computed(copied(model, tmp_path)), ids[:, 2:] - ids[:, :2])


def test_a_replaced_value_takes_its_weights_with_it(tmp_path: Path) -> None:
    """An operator stands in for everything between its source and the value, weights included."""
    graph = Traced()
    source = on_ids(graph)
    product = graph.node("MatMul", source, graph.weight(np.ones((4, 4), np.float32), "gone"))
    value = graph.node("Add", product, graph.weight(np.ones(4, np.float32), "gone too"))
    model = graph.model(["input_ids"], value)
    copy = copied(model, tmp_path, {value: Replacement(Doubling(), source)})
    np.testing.assert_array_equal(computed(copy), 2.0 * FEED["input_ids"])
    assert [tensor.name for tensor in copy.graph.initializer] == []


def test_a_second_output_is_refused(tmp_path: Path) -> None:
    """A checkpoint that yields every layer's output was traced with the switch left on."""
    graph = Traced()
    value = on_ids(graph)
    model = graph.model(["input_ids"], value, value)
    with pytest.raises(ExportError, match="expected last_hidden_state alone"):
        copied(model, tmp_path)


def test_an_attribute_of_another_type_is_refused_by_name(tmp_path: Path) -> None:
    """A list of floats, which nothing in an encoder has, isn't guessed at."""
    graph = Traced()
    model = graph.model(["input_ids"], graph.node("Constant", value_floats=[1.0, 2.0]))
    with pytest.raises(ExportError, match="Constant node '/Constant_0' without a tensor"):
        copied(model, tmp_path)
    graph = Traced()
    body = helper.make_graph([], "body", [], [])
    graph.nodes.append(
        helper.make_node("If", [on_ids(graph)], ["chosen"], name="/If", then_branch=body, else_branch=body)
    )
    made = helper.make_graph(
        graph.nodes,
        "main",
        [helper.make_empty_tensor_value_info("input_ids")],
        [helper.make_empty_tensor_value_info("chosen")],
    )
    with pytest.raises(ExportError, match="If node '/If' with the attribute else_branch of type GRAPH"):
        copied(helper.make_model(made), tmp_path)
