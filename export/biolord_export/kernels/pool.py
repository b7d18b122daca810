"""Hidden rows to a text's vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from biolord_export.checkpoint.head.dense import ACTIVATIONS, Dense
from biolord_export.checkpoint.head.pooling import POOLING_MODES
from biolord_onnx.graph.compiled_operators import DOMAIN
from biolord_onnx.session.session import SKIPPED

if TYPE_CHECKING:
    from biolord_export.checkpoint.head.pooling import Pooling
    from biolord_export.checkpoint.weights import Float32
    from biolord_export.kernels.builder import KernelGraph

LANES = 16


def emit_pool(graph: KernelGraph, hidden: str, starts: str, pooling: Pooling, dim: int) -> None:
    """Add the nodes and the graph's two outputs, float32 [batch, width].

    Nothing but the compiled operators computes; Concat and Slice only move numbers.
    """
    skipped = () if pooling.include_prompt else (graph.input(SKIPPED, TensorProto.INT64, [1]),)
    pooled = [
        graph.op_many("Pool", hidden, starts, *skipped, outputs=2, domain=DOMAIN, mode=POOLING_MODES.index(mode))
        for mode in pooling.modes
    ]
    vectors, unit = pooled[0]
    if len(pooled) > 1:
        vectors = graph.op("Concat", *(value for value, _ in pooled), axis=1)
    for step in pooling.steps:
        vectors = _emit_dense(graph, vectors, step) if isinstance(step, Dense) else _emit_unit(graph, vectors)
    if len(pooled) > 1 or pooling.steps:
        unit = _emit_unit(graph, vectors)
    vectors = unit if pooling.normalize else vectors
    if pooling.cut:
        vectors = graph.op("Slice", vectors, graph.ints(0), graph.ints(pooling.cut), graph.ints(1))
        unit = _emit_unit(graph, vectors)
    for name, value in (("sentence_embedding", vectors), ("unit_embedding", unit)):
        graph.output(name, value, TensorProto.FLOAT, ["batch", pooling.width(dim)])


def _emit_unit(graph: KernelGraph, vectors: str) -> str:
    return graph.op("Unit", vectors, domain=DOMAIN)


def _emit_dense(graph: KernelGraph, vectors: str, dense: Dense) -> str:
    packed, bias = pack_dense(dense)
    return graph.op(
        "Dense",
        vectors,
        graph.constant(packed, "dense"),
        graph.constant(bias, "dense/bias"),
        domain=DOMAIN,
        width=dense.outputs,
        activation=ACTIVATIONS.index(dense.activation),
    )


def pack_dense(dense: Dense) -> tuple[Float32, Float32]:
    """Lay a layer out as the operator reads it: float32 [outputs/16, inputs, 16] and [outputs/16, 16], zeros behind."""
    missing = -dense.outputs % LANES
    weight = np.pad(dense.linear.weight, ((0, 0), (0, missing)))
    packed = np.ascontiguousarray(weight.reshape(dense.inputs, -1, LANES).transpose(1, 0, 2))
    return packed, np.pad(dense.linear.bias, (0, missing)).reshape(-1, LANES)
