"""Copy a traced graph into a graph builder, some of its nodes replaced on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from onnx import AttributeProto, helper, numpy_helper

from biolord_export.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onnx import ModelProto, NodeProto, TensorProto

    from biolord_export.graph.builder import Attribute, GraphBuilder

COPIED_ATTRIBUTES = frozenset(
    {
        AttributeProto.INT,
        AttributeProto.FLOAT,
        AttributeProto.STRING,
        AttributeProto.INTS,
    }
)


class Operator(Protocol):
    """Nodes that write themselves, from one value to one value."""

    def emit(self, graph: GraphBuilder, x: str, /) -> str:
        """Add the nodes; returns the name of what they yield."""
        ...


@dataclass(frozen=True, slots=True)
class Replacement:
    """What takes the place of a value of the traced graph: an operator, applied to another of its values."""

    operator: Operator
    source: str


def replay(
    model: ModelProto, graph: GraphBuilder, inputs: Mapping[str, str], replaced: Mapping[str, Replacement]
) -> str:
    """Copy the nodes that a traced graph's only output needs.

    Args:
        model: The traced graph, weights inside.
        graph: Where to.
        inputs: What stands for each of its inputs there.
        replaced: What takes the place of some of its values, by name.

    Returns:
        The name of its output there.

    Raises:
        ExportError: It has another number of outputs than one, or a node that can't be copied.
    """
    if len(model.graph.output) != 1:
        found = ", ".join(value.name for value in model.graph.output)
        raise ExportError(f"optimum traced the outputs {found}, expected last_hidden_state alone: report this")
    copy = _Copy(graph, {tensor.name: tensor for tensor in model.graph.initializer}, dict(inputs))
    output = model.graph.output[0].name
    for node in _needed(model, output, replaced):
        name = node.output[0]
        if name in replaced:
            copy.names[name] = replaced[name].operator.emit(graph, copy.name(replaced[name].source))
        else:
            copy.add(node)
    return copy.name(output)


def _needed(model: ModelProto, output: str, replaced: Mapping[str, Replacement]) -> Iterator[NodeProto]:
    """Yield the nodes that the output depends on, in the graph's own order, which is a topological one."""
    wanted, nodes = {output}, []
    for node in reversed(model.graph.node):
        if wanted.isdisjoint(node.output):
            continue
        nodes.append(node)
        wanted.update([replaced[node.output[0]].source] if node.output[0] in replaced else node.input)
    yield from reversed(nodes)


@dataclass(frozen=True, slots=True)
class _Copy:
    """The state of a copy: what each traced value is called in the new graph."""

    graph: GraphBuilder
    tensors: Mapping[str, TensorProto]
    names: dict[str, str]

    def name(self, value: str) -> str:
        """Find a value, or add it if it is a weight that no node has asked for yet; an omitted input stays empty."""
        if value and value not in self.names:
            self.names[value] = self.graph.constant(numpy_helper.to_array(self.tensors[value]), value)
        return self.names.get(value, "")

    def add(self, node: NodeProto) -> None:
        """Copy a node, or write what means the same without a tensor among its attributes."""
        if node.op_type == "Constant":
            self.names[node.output[0]] = self.graph.constant(_tensor(node))
        elif node.op_type == "ConstantOfShape":
            value = self.graph.constant(_tensor(node).reshape(()))
            self.names[node.output[0]] = self.graph.op("Expand", value, self.name(node.input[0]))
        else:
            inputs = [self.name(value) for value in node.input]
            results = self.graph.op_many(
                node.op_type, *inputs, outputs=len(node.output), domain=node.domain, **_attributes(node)
            )
            self.names.update(zip(node.output, results, strict=True))


def _tensor(node: NodeProto) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    values = [attribute for attribute in node.attribute if attribute.type == AttributeProto.TENSOR]
    if not values:
        raise ExportError(f"optimum wrote the {node.op_type} node {node.name!r} without a tensor: report this")
    return numpy_helper.to_array(values[0].t)


def _attributes(node: NodeProto) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {}
    for attribute in node.attribute:
        if attribute.type not in COPIED_ATTRIBUTES:
            kind = AttributeProto.AttributeType.Name(attribute.type)
            raise ExportError(
                f"optimum wrote the {node.op_type} node {node.name!r} with the attribute {attribute.name} of type "
                f"{kind}, which the exporter doesn't copy: report this"
            )
        value = helper.get_attribute_value(attribute)
        match value:
            case bytes():
                attributes[attribute.name] = value.decode()
            case int() | float():
                attributes[attribute.name] = value
            case _:
                attributes[attribute.name] = tuple(value)
    return attributes
