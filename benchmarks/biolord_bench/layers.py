"""The linear layers of a graph, found in its file: how many multiplications a token costs.

Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from dataclasses import dataclass

from biolord_bench.wire import fields, numbers

# Operator -> which input is the weight [inputs, outputs], and whether it multiplies integers.
_MATMULS = {
    "MatMul": (1, False),
    "FusedMatMul": (1, False),
    "Gemm": (1, False),
    "MatMulInteger": (1, True),
    "MatMulIntegerToFloat": (1, True),
    "DynamicQuantizeMatMul": (1, True),
    "QLinearMatMul": (3, True),
    "QGemm": (3, True),
}
_PASS_ON = ("DequantizeLinear", "Cast", "Identity")
_BLOCKED = "MatMulNBits"
_INTEGER_ACCURACY = 4  # MatMulNBits' accuracy_level that rounds its input to 8 bits

_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALISER = 1, 5
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INTEGER = 1, 3
_TENSOR_DIMS, _TENSOR_NAME = 1, 8


@dataclass(frozen=True, slots=True)
class Layer:
    """A matmul of every token with a weight [inputs, outputs].

    Attributes:
        inputs: length of a token's vector before it.
        outputs: length after it.
        integer: whether it multiplies 8-bit integers.
    """

    inputs: int
    outputs: int
    integer: bool

    @property
    def macs(self) -> int:
        """Multiplications and additions per token."""
        return self.inputs * self.outputs


@dataclass(frozen=True, slots=True)
class _Node:
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    integers: dict[str, int]


def linear_layers(model: bytes) -> list[Layer]:
    """List the matmuls with a constant weight of two axes, in the order of the graph.

    Args:
        model: the content of a ``model.onnx`` that onnxruntime loads.
    """
    graph = next((value for number, value in fields(model) if number == _MODEL_GRAPH), b"")
    shapes = dict(_tensor(value) for value in _messages(graph, _GRAPH_INITIALISER))
    quantised: set[str] = set()
    layers = []
    for node in [_node(value) for value in _messages(graph, _GRAPH_NODE)]:
        if node.operator in _PASS_ON and node.inputs[0] in shapes:
            shapes[node.outputs[0]] = shapes[node.inputs[0]]
            if node.operator == "DequantizeLinear":
                quantised.add(node.outputs[0])
        elif (layer := _layer(node, shapes, quantised)) is not None:
            layers.append(layer)
    return layers


def _layer(node: _Node, shapes: dict[str, tuple[int, ...]], quantised: set[str]) -> Layer | None:
    if node.operator == _BLOCKED:
        integer = node.integers.get("accuracy_level") == _INTEGER_ACCURACY
        return Layer(node.integers["K"], node.integers["N"], integer)
    if node.operator not in _MATMULS:
        return None
    position, integer = _MATMULS[node.operator]
    weight = node.inputs[position]
    shape = shapes.get(weight, ())
    # onnxruntime turns a matmul of a dequantised weight into one of integers.
    return Layer(shape[0], shape[1], integer or weight in quantised) if len(shape) == 2 else None


def _messages(message: int | bytes, number: int) -> list[bytes]:
    data = message if isinstance(message, bytes) else b""
    return [value for found, value in fields(data) if found == number and isinstance(value, bytes)]


def _texts(message: bytes, number: int) -> tuple[str, ...]:
    return tuple(value.decode() for value in _messages(message, number))


def _tensor(message: bytes) -> tuple[str, tuple[int, ...]]:
    dims = [size for number, value in fields(message) if number == _TENSOR_DIMS for size in numbers(value)]
    return "".join(_texts(message, _TENSOR_NAME)), tuple(dims)


def _node(message: bytes) -> _Node:
    return _Node(
        operator="".join(_texts(message, _NODE_OPERATOR)),
        inputs=_texts(message, _NODE_INPUT),
        outputs=_texts(message, _NODE_OUTPUT),
        integers=dict(_integer(attribute) for attribute in _messages(message, _NODE_ATTRIBUTE)),
    )


def _integer(attribute: bytes) -> tuple[str, int]:
    value = next((value for number, value in fields(attribute) if number == _ATTRIBUTE_INTEGER), 0)
    return "".join(_texts(attribute, _ATTRIBUTE_NAME)), value if isinstance(value, int) else 0
