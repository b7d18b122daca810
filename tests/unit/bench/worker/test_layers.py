"""Finding the linear layers of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from biolord_bench.worker.layers import Layer, linear_layers

FLOAT = TensorProto.FLOAT


def layers_of(nodes: Sequence[onnx.NodeProto], folder: Path, **shapes: tuple[int, ...]) -> list[Layer]:
    """List the layers of a model of some nodes, with zeros of these shapes as its constants."""
    constants = [numpy_helper.from_array(np.zeros(shape, dtype=np.float32), name) for name, shape in shapes.items()]
    tokens = helper.make_tensor_value_info("x", FLOAT, ["n", 8])
    result = helper.make_tensor_value_info("y", FLOAT, ["n", 8])
    graph = helper.make_graph(nodes, "g", [tokens], [result], constants)
    onnx.save_model(helper.make_model(graph), folder / "model.onnx")
    return linear_layers(folder / "model.onnx")


def test_matmuls_with_a_constant_are_layers(tmp_path: Path) -> None:
    """Their weight is [inputs, outputs]; a matmul of two activations and a lookup are none."""
    nodes = [
        helper.make_node("Gather", ["table", "x"], ["a"]),
        helper.make_node("MatMul", ["a", "w"], ["b"]),
        helper.make_node("MatMul", ["b", "v"], ["c"]),
        helper.make_node("MatMul", ["b", "c"], ["y"]),
    ]
    layers = layers_of(nodes, tmp_path, table=(100, 8), w=(8, 32), v=(32, 8))
    assert layers == [Layer(8, 32, False), Layer(32, 8, False)]
    assert [layer.macs for layer in layers] == [256, 256]


def test_a_dequantized_weight_is_an_integer_one(tmp_path: Path) -> None:
    """In a portable graph the weight passes through DequantizeLinear, perhaps through others too."""
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["float_w"]),
        helper.make_node("MatMul", ["x", "float_w"], ["a"]),
        helper.make_node("Cast", ["v"], ["cast_v"], to=FLOAT),
        helper.make_node("MatMul", ["a", "cast_v"], ["y"]),
    ]
    assert layers_of(nodes, tmp_path, w=(8, 16), v=(16, 8), s=()) == [Layer(8, 16, True), Layer(16, 8, False)]


def test_operators_of_our_own_hold_packed_weights(tmp_path: Path) -> None:
    """In tiles of 16 outputs; those of 4 bits have scales of their groups, and half the bytes."""
    attention = ["x", "x", "s", "qkv", "c192", "out", "c64", "n", "bias"]
    attention4 = ["a", "x", "s", "qkv4", "c192", "out4", "c64", "n", "", "g", "g"]
    feed_forward = ["x", "s", "up", "c256", "down", "c64", "n", "w"]
    feed_forward4 = ["b", "s", "up4", "c256", "down4", "c64", "n", "w", "g", "g"]
    nodes = [
        helper.make_node("Attention", attention, ["a"], domain="biolord"),
        helper.make_node("FeedForward", feed_forward, ["b"], domain="biolord"),
        helper.make_node("Attention", attention4, ["d"], domain="biolord"),
        helper.make_node("FeedForward", feed_forward4, ["y"], domain="biolord"),
        helper.make_node("Pool", ["y", "x"], ["z"], domain="biolord"),
    ]
    found = layers_of(
        nodes,
        tmp_path,
        qkv=(12, 16, 16, 4),
        out=(4, 16, 16, 4),
        up=(16, 16, 16, 4),
        down=(256, 16, 4),
        qkv4=(12, 8, 16, 4),
        out4=(4, 8, 16, 4),
        up4=(16, 8, 16, 4),
        down4=(128, 16, 4),
        g=(1,),
        c64=(5, 64),
        c192=(3, 192),
        c256=(3, 256),
    )
    assert found == 2 * [Layer(64, 192, True), Layer(64, 64, True), Layer(64, 256, True), Layer(256, 64, True)]


def test_a_graph_without_layers_has_none(tmp_path: Path) -> None:
    """Nothing is multiplied."""
    assert layers_of([helper.make_node("Identity", ["x"], ["y"])], tmp_path) == []
