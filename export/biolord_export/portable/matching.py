"""Find an encoder's linear layers and token table in a traced graph, by their weights."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from typing import TYPE_CHECKING

import numpy as np
from onnx import numpy_helper

from biolord_export.errors import ExportError
from biolord_export.portable.replay import Replacement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onnx import ModelProto, NodeProto

    from biolord_export.checkpoint.weights import Float32
    from biolord_export.portable.replay import Operator

WEIGHT_INPUT = {"MatMul": 1, "Gather": 0}
"""Which input of a node is the weight that the layer is known by."""


def weight_digest(weight: Float32) -> bytes:
    """Digest a float32 weight, its shape included."""
    array = np.ascontiguousarray(weight, dtype=np.float32)
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).digest()


def match_weights(model: ModelProto, operators: Iterable[tuple[bytes, Operator]]) -> dict[str, Replacement]:
    """Find the values that operators replace.

    Args:
        model: The traced graph, in which a linear layer is a ``MatMul`` and an ``Add``, and a table a ``Gather``.
        operators: What replaces a layer, bias included, with the `weight_digest` of its exact weight. Layers of equal
            weights come in the order in which they are computed.

    Returns:
        The replacement of each value, by its name.

    Raises:
        ExportError: The graph doesn't hold exactly these weights.
    """
    waiting: dict[bytes, deque[Operator]] = defaultdict(deque)
    for digest, operator in operators:
        waiting[digest].append(operator)
    replaced: dict[str, Replacement] = {}
    for node, digest in _weighted_nodes(model):
        if digest not in waiting:
            continue
        if not waiting[digest]:
            raise ExportError(f"optimum's graph uses a weight more often than the encoder does, at {node.name!r}")
        output = _with_bias(model, node) if node.op_type == "MatMul" else node.output[0]
        replaced[output] = Replacement(waiting[digest].popleft(), node.input[1 - WEIGHT_INPUT[node.op_type]])
    missing = sum(map(len, waiting.values()))
    if missing:
        raise ExportError(
            f"optimum's graph lacks {missing} of the checkpoint's weights, or holds them changed: only portable-fp32 "
            "can be made of it"
        )
    return replaced


def _weighted_nodes(model: ModelProto) -> Iterator[tuple[NodeProto, bytes]]:
    """Yield the nodes that may be layers, each with its weight's digest."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    digests: dict[str, bytes] = {}
    for node in model.graph.node:
        place = WEIGHT_INPUT.get(node.op_type)
        if place is None or node.input[place] not in tensors:
            continue
        name = node.input[place]
        if name not in digests:
            digests[name] = weight_digest(numpy_helper.to_array(tensors[name]))
        yield node, digests[name]


def _with_bias(model: ModelProto, product: NodeProto) -> str:
    """Return the name of a product with its bias added."""
    name = product.output[0]
    users = list(_users(model, name))
    if [user.op_type for user in users] != ["Add"]:
        kinds = ", ".join(user.op_type for user in users) or "nothing"
        raise ExportError(f"optimum's graph gives the product {name} to {kinds}, expected an Add of its bias")
    return str(users[0].output[0])


def _users(model: ModelProto, name: str) -> Iterator[NodeProto]:
    return (node for node in model.graph.node if name in node.input)
