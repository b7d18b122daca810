"""Whether a graph gives the compiled operators what they take, looked at before onnxruntime sees it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

from biolord_onnx.graph.compiled_operators import COMPILED, VERSIONS, CompiledOperator
from biolord_onnx.graph.file import Graph, Node
from biolord_onnx.printable import short

Types = Mapping[str, int]


def check_compiled(graph: Graph, required: Mapping[str, int]) -> None:
    """Check a graph's compiled operators: those that the manifest requires, with constants where they take some.

    Args:
        graph: Whose operators and attributes are listed ones.
        required: Domains of compiled operators by the manifest, and the version of each.

    Raises:
        ValueError: The graph and the manifest differ, or an operator isn't given what it takes.
    """
    imported = {opset.domain: opset.version for opset in graph.opsets if opset.domain in VERSIONS}
    if imported != required:
        raise ValueError(
            f"has the compiled operators {_versions(imported)}, the manifest requires {_versions(required)}"
        )
    used = {node.domain for node in graph.nodes if node.domain in VERSIONS}
    if used != set(required):
        raise ValueError(f"uses the compiled operators {sorted(used)} and imports {sorted(required)}")
    types = {tensor.name: tensor.data_type for tensor in graph.tensors}
    for node in graph.nodes:
        if node.domain in VERSIONS:
            _check_node(node, COMPILED[node.kind], types)


def _check_node(node: Node, operator: CompiledOperator, types: Types) -> None:
    if len(node.outputs) != operator.outputs or not all(node.outputs):
        raise ValueError(
            f"takes the outputs {short(node.outputs)} of the operator {_shown(node)}, expected {operator.outputs}"
        )
    given = min(max(len(node.inputs), operator.values), operator.values + operator.more_values)
    values, constants = node.inputs[:given], node.inputs[given:]
    most = len(operator.constants)
    if len(values) < operator.values or not all(values) or not most - operator.optional <= len(constants) <= most:
        raise ValueError(
            f"gives the operator {_shown(node)} {len(node.inputs)} inputs, expected {operator.values} values and "
            f"{most - operator.optional} to {most} constants"
        )
    for place, (name, kind) in enumerate(zip_longest(constants, operator.constants, fillvalue="")):
        left_out = not name and place >= most - operator.optional
        if not left_out and types.get(str(name)) != kind:
            raise ValueError(
                f"gives the operator {_shown(node)} {short(name)} as input {operator.values + place}, expected a "
                f"constant of ONNX's type {kind}"
            )


def _shown(node: Node) -> str:
    return short(f"{node.domain}.{node.kind}")


def _versions(domains: Mapping[str, int]) -> str:
    return ", ".join(f"{domain} {version}" for domain, version in domains.items()) or "none"
