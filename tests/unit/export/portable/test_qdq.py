"""Static int8 in standard operators: the same numbers as the scheme's own."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from biolord_export.checkpoint.weights import EncoderWeights, Linear
from biolord_export.portable.matching import weight_digest
from biolord_export.portable.qdq import Exact, QdqRow, QdqStatic, SideBySide, qdq_operators
from biolord_export.portable.replay import Operator
from biolord_export.portable.standard import StandardGraph
from biolord_export.quantize.grid import PerTensorQuantizer, PerTokenQuantizer
from biolord_export.quantize.static8 import RowLinear, StaticEncoder, StaticLinear
from biolord_export.quantize.weight8 import Int8Weight

Float32 = NDArray[np.float32]
RANDOM = np.random.default_rng(3)
INPUTS, OUTPUTS = 12, 5
X = RANDOM.normal(0, 2, (2, 7, INPUTS)).astype(np.float32)


def int8_weight(inputs: int = INPUTS) -> Int8Weight:
    """Make a quantized weight of random numbers."""
    values = RANDOM.integers(-127, 128, (inputs, OUTPUTS)).astype(np.int8)
    return Int8Weight(values, RANDOM.uniform(0.01, 0.02, OUTPUTS).astype(np.float32))


def static(*, centered: bool = True, bias: bool = True) -> StaticLinear:
    """Make a layer whose grid is fixed, and too short for some of the inputs."""
    grid = PerTensorQuantizer(
        center=RANDOM.normal(size=INPUTS).astype(np.float32) * centered,
        smooth=RANDOM.uniform(0.5, 2, INPUTS).astype(np.float32) if centered else np.ones(INPUTS, np.float32),
        step=0.02,
        zero_point=128 if centered else 9,
    )
    return StaticLinear(grid, int8_weight(), RANDOM.normal(size=OUTPUTS).astype(np.float32) * bias)


def row(inputs: int = INPUTS, *, bias: bool = True) -> RowLinear:
    """Make a layer whose grid is each token's own; what a GELU can't yield, below -0.17, is clipped."""
    return RowLinear(PerTokenQuantizer(0.5), int8_weight(inputs), RANDOM.normal(size=OUTPUTS).astype(np.float32) * bias)


def emitted(operator: Operator, x: Float32) -> tuple[Float32, onnx.ModelProto]:
    """Run the nodes as they are written, none fused, and return them too."""
    graph = StandardGraph("layer")
    value = operator.emit(graph, graph.input("x", TensorProto.FLOAT, ["batch", "sequence", x.shape[-1]]))
    graph.output("y", value, TensorProto.FLOAT, ["batch", "sequence", OUTPUTS])
    with tempfile.TemporaryDirectory() as folder:
        path = graph.save(Path(folder))
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return session.run(None, {"x": x})[0], onnx.load(path)


def flat(x: Float32) -> Float32:
    """Line the tokens of all texts up."""
    return x.reshape(-1, x.shape[-1])


@pytest.mark.parametrize("centered", [True, False])
def test_a_fixed_grid_computes_what_the_scheme_says(*, centered: bool) -> None:
    """Centring, smoothing, rounding, clipping, product and bias equal the numpy of the scheme."""
    linear = static(centered=centered)
    found, _ = emitted(QdqStatic(linear), X)
    np.testing.assert_allclose(flat(found), linear.apply(flat(X)), atol=2e-5)
    assert np.abs(flat(found) - linear.grid.normalize(flat(X)) @ linear.weight.dense() - linear.bias).max() > 0.01


def test_a_grid_of_each_tokens_own_computes_what_the_scheme_says() -> None:
    """Dividing by the token's step first gives the integers that the scheme's own grid gives."""
    linear = row()
    loudness = np.array([0.01, 1, 30, 0, 2, 500, 0.2], dtype=np.float32)
    x = np.maximum(X, np.float32(-0.17)) * loudness[:, np.newaxis]
    found, _ = emitted(QdqRow(linear), x)
    np.testing.assert_allclose(flat(found), linear.apply(flat(x)), rtol=1e-5, atol=2e-5)


def test_a_tokens_grid_does_not_depend_on_the_tokens_beside_it() -> None:
    """A huge neighbor in the batch or in the text leaves a token's bits as they are."""
    operator = QdqRow(row())
    loud = X.copy()
    loud[1], loud[0, 3] = 1000, 1000
    quiet = [0, 1, 2, 4, 5, 6]
    np.testing.assert_array_equal(emitted(operator, loud)[0][0, quiet], emitted(operator, X)[0][0, quiet])


def test_parts_take_their_inputs_side_by_side_and_add_up() -> None:
    """Float32 channels first and rounded ones behind them are two products of two slices."""
    weight = RANDOM.normal(size=(4, OUTPUTS)).astype(np.float32)
    outliers, rest = Exact(Linear(weight, np.ones(OUTPUTS, np.float32))), row(8, bias=False)
    found, model = emitted(SideBySide(4, outliers, QdqRow(rest)), X)
    expected = flat(X)[:, :4] @ weight + 1 + rest.apply(flat(X)[:, 4:])
    np.testing.assert_allclose(flat(found), expected, atol=2e-5)
    assert [node.op_type for node in model.graph.node].count("QuantizeLinear") == 1


@pytest.mark.parametrize("operator", [QdqStatic(static(centered=False, bias=False)), QdqRow(row(bias=False))])
def test_a_bias_of_zeros_costs_no_node(operator: Operator) -> None:
    """Where another part carries the bias, nothing is added."""
    assert all(node.op_type != "Add" for node in emitted(operator, X)[1].graph.node)


@pytest.mark.parametrize("operator", [QdqStatic(static()), QdqRow(row())])
def test_weights_are_int8_with_a_scale_for_each_output(operator: QdqStatic | QdqRow) -> None:
    """What providers look for: DequantizeLinear on axis 1 of a signed weight with zero points of 0."""
    model = emitted(operator, X)[1]
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    node = next(node for node in model.graph.node if node.op_type == "DequantizeLinear" and node.input[0] in tensors)
    values, scales, zeros = (tensors[name] for name in node.input)
    np.testing.assert_array_equal(values, operator.linear.weight.values)
    np.testing.assert_array_equal(scales, operator.linear.weight.scales)
    assert {str(values.dtype), str(zeros.dtype)} == {"int8"}
    assert not zeros.any()
    assert [(attribute.name, attribute.i) for attribute in node.attribute] == [("axis", 1)]


def test_layers_that_share_an_input_round_it_once() -> None:
    """Query, key and value read one rounded tensor."""
    linear = static()
    graph = StandardGraph("layers")
    x = graph.input("x", TensorProto.FLOAT, ["batch", "sequence", INPUTS])
    QdqStatic(linear).emit(graph, x)
    before = len(graph._nodes)
    QdqStatic(StaticLinear(linear.grid, int8_weight(), -linear.bias)).emit(graph, x)
    assert [node.op_type for node in graph._nodes[before:]] == ["DequantizeLinear", "MatMul", "Add"]


def test_query_key_and_value_are_found_by_their_own_weights(bert: EncoderWeights, static8: StaticEncoder) -> None:
    """Side by side again, their outputs are those of the scheme's one layer."""
    operators = dict(qdq_operators(bert, static8))
    qkv, dim = bert.layers[0].qkv.weight, bert.dim
    whole = static8.layers[0].qkv
    x = RANDOM.normal(0, 1, (4, dim)).astype(np.float32)
    parts = [operators[weight_digest(qkv[:, start : start + dim])] for start in range(0, 3 * dim, dim)]
    found = np.concatenate([part.linear.apply(x) for part in parts if isinstance(part, QdqStatic)], axis=1)
    np.testing.assert_allclose(found, whole.apply(x), rtol=1e-6, atol=1e-6)


def test_every_weight_of_the_encoder_gets_an_operator(bert: EncoderWeights, static8: StaticEncoder) -> None:
    """Six a layer, and the token table."""
    assert len(list(qdq_operators(bert, static8))) == 6 * len(bert.layers) + 1
