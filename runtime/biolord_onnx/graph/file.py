"""What stands in ``model.onnx``, read without the onnx package and before onnxruntime sees it."""

from __future__ import annotations

from dataclasses import dataclass

from biolord_onnx.graph.schema import MODEL
from biolord_onnx.graph.wire import Message, malformed, read_message

_ORT_FORMAT = b"ORTM"


@dataclass(frozen=True, slots=True)
class External:
    """Where a tensor's numbers stand in another file: entries as they are written."""

    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A weight or constant.

    Attributes:
        name: Of the value.
        dims: Its shape.
        data_type: ONNX's number of its element type.
        raw_bytes: How many bytes it has in the graph itself, None for none.
        external: Where else its numbers stand, if they do.
    """

    name: str
    dims: tuple[int, ...]
    data_type: int
    raw_bytes: int | None
    external: External | None


@dataclass(frozen=True, slots=True)
class Node:
    """An operator in its place.

    Attributes:
        domain: Of the operator.
        kind: Its name there.
        attributes: Names of those that it is given.
        inputs: Names of values, empty for one that is left out.
        outputs: Likewise.
        integers: Attributes that are whole numbers, with their values, unsigned.
    """

    domain: str
    kind: str
    attributes: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    integers: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Opset:
    """A domain of operators and its version."""

    domain: str
    version: int


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph.

    Attributes:
        nodes: In order.
        tensors: The initializers.
        opsets: That its operators are of.
    """

    nodes: tuple[Node, ...]
    tensors: tuple[Tensor, ...]
    opsets: tuple[Opset, ...]


def read_graph(data: bytes) -> Graph:
    """Read a serialized ModelProto.

    Args:
        data: The content of ``model.onnx``.

    Raises:
        ArtifactError: It is no graph, is encoded otherwise than protobuf's writers do, or has parts that no export has.
    """
    # onnxruntime takes such bytes for its own format, whatever protobuf makes of them.
    if data[4:8] == _ORT_FORMAT:
        raise malformed("onnxruntime's own format", 4)
    model = read_message(data, MODEL)
    graph = next(iter(model.messages("graph")), None)
    if graph is None:
        raise malformed("no graph", len(data))
    return Graph(
        nodes=tuple(map(_node, graph.messages("node"))),
        tensors=tuple(map(_tensor, graph.messages("initializer"))),
        opsets=tuple(Opset(one.text("domain"), one.number("version") or 0) for one in model.messages("opset_import")),
    )


def _node(message: Message) -> Node:
    attributes = message.messages("attribute")
    return Node(
        domain=message.text("domain"),
        kind=message.text("op_type"),
        attributes=tuple(attribute.text("name") for attribute in attributes),
        inputs=message.texts("input"),
        outputs=message.texts("output"),
        integers=tuple((one.text("name"), value) for one in attributes if (value := one.number("i")) is not None),
    )


def _tensor(message: Message) -> Tensor:
    entries = tuple((entry.text("key"), entry.text("value")) for entry in message.messages("external_data"))
    location = message.number("data_location") or 0
    if location != bool(entries):
        raise malformed(f"data location {location} and {len(entries)} external entries of one tensor", message.at)
    return Tensor(
        name=message.text("name"),
        dims=message.numbers("dims"),
        data_type=message.number("data_type") or 0,
        raw_bytes=message.number("raw_data"),
        external=External(entries) if entries else None,
    )
