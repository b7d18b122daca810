"""The linear layers of a graph: how many multiplications a token costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import onnx

OWN_DOMAIN = "biolord"

# This project's operators -> inputs that are packed weights, what belongs to their outputs, and the scales of their
# groups where they have 4 bits (kernels/README.md).
_PACKED = {
    "Attention": ((3, 4, 9), (5, 6, 10)),
    "FeedForward": ((2, 3, 8), (4, 5, 9)),
    "RotaryAttention": ((3, 4, 8), (5, 6, 9)),
    "GatedFeedForward": ((2, 3, 6), (4, 5, 7)),
    "Project": ((2, 3, 4),),
}
_PASS_ON = ("DequantizeLinear", "Cast", "Identity")

Shapes = Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Layer:
    """A matmul of every token with a weight [inputs, outputs].

    Attributes:
        inputs: Length of a token's vector before it.
        outputs: Length after it.
        integer: Whether it multiplies 8-bit integers.
    """

    inputs: int
    outputs: int
    integer: bool

    @property
    def macs(self) -> int:
        """Multiplications and additions per token."""
        return self.inputs * self.outputs


def linear_layers(path: Path) -> list[Layer]:
    """List the matmuls with a constant weight, in the order of the graph.

    Args:
        path: Of a ``model.onnx`` that onnxruntime loads.
    """
    graph = onnx.load_model(path, load_external_data=False).graph
    shapes: dict[str, Sequence[int]] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    quantized: set[str] = set()
    layers: list[Layer] = []
    for node in graph.node:
        if node.op_type in _PASS_ON and node.input[0] in shapes:
            shapes[node.output[0]] = shapes[node.input[0]]
            if node.op_type == "DequantizeLinear":
                quantized.add(node.output[0])
        layers += _layers(node, shapes, quantized)
    return layers


def _layers(node: onnx.NodeProto, shapes: Shapes, quantized: set[str]) -> list[Layer]:
    if node.domain == OWN_DOMAIN:
        return [_packed(node, shapes, *places) for places in _PACKED.get(node.op_type, ())]
    if node.op_type != "MatMul":  # the one that exports write, beside their own operators
        return []
    weight = node.input[1]
    shape = shapes.get(weight, ())
    # onnxruntime turns a matmul of a dequantized weight into one of integers.
    return [Layer(shape[0], shape[1], weight in quantized)] if len(shape) == 2 else []


def _packed(node: onnx.NodeProto, shapes: Shapes, weight: int, columns: int, scales: int) -> Layer:
    """Count the weights: of 4 bits there are two in each byte."""
    each = 2 if len(node.input) > scales and node.input[scales] else 1
    outputs = shapes[node.input[columns]][-1]
    return Layer(prod(shapes[node.input[weight]]) * each // outputs, outputs, integer=True)
