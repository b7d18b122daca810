"""Finding the linear layers of a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from biolord_bench.layers import Layer, linear_layers

FLOAT = TensorProto.FLOAT


def model(nodes: Sequence[onnx.NodeProto], **shapes: tuple[int, ...]) -> bytes:
    """Make a model of some nodes, with zeros of these shapes as its constants."""
    constants = [numpy_helper.from_array(np.zeros(shape, dtype=np.float32), name) for name, shape in shapes.items()]
    tokens = helper.make_tensor_value_info("x", FLOAT, ["n", 8])
    result = helper.make_tensor_value_info("y", FLOAT, ["n", 8])
    graph = helper.make_graph(nodes, "g", [tokens], [result], constants)
    return bytes(helper.make_model(graph).SerializeToString())


def test_matmuls_with_a_constant_are_layers() -> None:
    """Their weight is [inputs, outputs]; a matmul of two activations and a lookup are none."""
    nodes = [
        helper.make_node("Gather", ["table", "x"], ["a"]),
        helper.make_node("MatMul", ["a", "w"], ["b"]),
        helper.make_node("Gemm", ["b", "v", "bias"], ["c"]),
        helper.make_node("MatMul", ["b", "c"], ["y"]),
    ]
    layers = linear_layers(model(nodes, table=(100, 8), w=(8, 32), v=(32, 8), bias=(8,)))
    assert layers == [Layer(8, 32, False), Layer(32, 8, False)]
    assert [layer.macs for layer in layers] == [256, 256]


def test_integer_operators_are_known() -> None:
    """Each has its weight where its definition says."""
    nodes = [
        helper.make_node("MatMulIntegerToFloat", ["x", "w", "s", "s"], ["a"], domain="com.microsoft"),
        helper.make_node("QLinearMatMul", ["a", "s", "z", "v", "s", "z", "s", "z"], ["y"]),
    ]
    layers = linear_layers(model(nodes, w=(8, 24), v=(24, 8), s=(), z=()))
    assert layers == [Layer(8, 24, True), Layer(24, 8, True)]


def test_a_dequantised_weight_is_an_integer_one() -> None:
    """In a portable graph the weight passes through DequantizeLinear, perhaps through others too."""
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["float_w"]),
        helper.make_node("MatMul", ["x", "float_w"], ["a"]),
        helper.make_node("Cast", ["v"], ["cast_v"], to=FLOAT),
        helper.make_node("MatMul", ["a", "cast_v"], ["y"]),
    ]
    assert linear_layers(model(nodes, w=(8, 16), v=(16, 8), s=())) == [Layer(8, 16, True), Layer(16, 8, False)]


def test_blocked_weights_tell_their_shape() -> None:
    """MatMulNBits holds it in attributes, and whether its input is rounded to 8 bits."""
    nodes = [
        helper.make_node("MatMulNBits", ["x", "w", "s"], ["a"], K=8, N=48, accuracy_level=4, domain="com.microsoft"),
        helper.make_node("MatMulNBits", ["a", "w", "s"], ["y"], K=48, N=8, block_size=32, domain="com.microsoft"),
    ]
    assert linear_layers(model(nodes, w=(48, 1, 8), s=(48,))) == [Layer(8, 48, True), Layer(48, 8, False)]


def test_a_graph_without_layers_has_none() -> None:
    """And an empty file neither."""
    assert linear_layers(model([helper.make_node("Identity", ["x"], ["y"])])) == []
    assert linear_layers(b"") == []
