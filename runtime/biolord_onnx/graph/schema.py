"""What of ONNX's messages an exported graph consists of; anything else in ``model.onnx`` is refused.

So there are no functions, subgraphs, training graphs, sparse tensors or tensors in attributes, and nothing that could
hide one. The numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, stable by protobuf's own
rules.
"""

from __future__ import annotations

from biolord_onnx.graph.wire import Field, Shape, make_shape


def _text(name: str) -> Field:
    return Field(name, "text")


def _number(name: str) -> Field:
    return Field(name, "number")


def _messages(name: str, shape: Shape) -> Field:
    return Field(name, "message", repeated=True, shape=shape)


def _message(name: str, shape: Shape) -> Field:
    return Field(name, "message", shape=shape)


_ENTRY = make_shape("StringStringEntryProto", {1: _text("key"), 2: _text("value")})
_TENSOR = make_shape(
    "TensorProto",
    {
        1: Field("dims", "number", repeated=True),
        2: Field("data_type", "small"),
        8: _text("name"),
        9: Field("raw_data", "bytes"),
        13: _messages("external_data", _ENTRY),
        14: Field("data_location", "small"),
    },
)
_ATTRIBUTE = make_shape(
    "AttributeProto",
    {
        1: _text("name"),
        2: Field("f", "float"),
        3: _number("i"),
        8: Field("ints", "number", repeated=True),
        20: Field("type", "small"),
    },
)
_NODE = make_shape(
    "NodeProto",
    {
        1: Field("input", "text", repeated=True),
        2: Field("output", "text", repeated=True),
        3: _text("name"),
        4: _text("op_type"),
        5: _messages("attribute", _ATTRIBUTE),
        7: _text("domain"),
    },
)
_DIMENSION = make_shape("Dimension", {1: _number("dim_value"), 2: _text("dim_param")})
_TENSOR_TYPE = make_shape(
    "TypeProto.Tensor",
    {
        1: Field("elem_type", "small"),
        2: _message("shape", make_shape("TensorShapeProto", {1: _messages("dim", _DIMENSION)})),
    },
)
_VALUE = make_shape(
    "ValueInfoProto",
    {1: _text("name"), 2: _message("type", make_shape("TypeProto", {1: _message("tensor_type", _TENSOR_TYPE)}))},
)
_GRAPH = make_shape(
    "GraphProto",
    {
        1: _messages("node", _NODE),
        2: _text("name"),
        5: _messages("initializer", _TENSOR),
        11: _messages("input", _VALUE),
        12: _messages("output", _VALUE),
    },
)
_OPSET = make_shape("OperatorSetIdProto", {1: _text("domain"), 2: _number("version")})
MODEL = make_shape(
    "ModelProto",
    {
        1: _number("ir_version"),
        2: _text("producer_name"),
        7: _message("graph", _GRAPH),
        8: _messages("opset_import", _OPSET),
    },
)
