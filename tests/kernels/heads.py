"""Graphs of the operators at a graph's end, one each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from kernels.encoder import HIDDEN, VECTORS, Graph

FLOAT = {"result": TensorProto.FLOAT}


def pool_model(mode: int, *, skips: bool = False) -> ModelProto:
    """Pool hidden rows; with another input, the tokens to leave out."""
    graph = Graph()
    more = ["skipped"] if skips else []
    graph.node("Pool", ["hidden", "starts", *more], list(VECTORS), mode=mode)
    return graph.model({**HIDDEN, **dict.fromkeys(more, TensorProto.INT64)}, VECTORS)


def dense_model(
    weight: NDArray[np.float32], bias: NDArray[np.float32], activation: int = 0, stated: int | None = None
) -> ModelProto:
    """Multiply vectors by float32 [inputs, outputs] and add float32 [outputs]."""
    missing = -weight.shape[1] % 16
    padded = np.pad(weight, ((0, 0), (0, missing)))
    graph = Graph()
    packed = graph.constant(padded.reshape(len(weight), -1, 16).transpose(1, 0, 2))
    biases = graph.constant(np.pad(bias, (0, missing)).reshape(-1, 16))
    width = weight.shape[1] if stated is None else stated
    graph.node("Dense", ["vectors", packed, biases], ["result"], width=width, activation=activation)
    return graph.model({"vectors": TensorProto.FLOAT}, FLOAT)


def unit_model() -> ModelProto:
    """Scale vectors to length 1."""
    graph = Graph()
    graph.node("Unit", ["vectors"], ["result"])
    return graph.model({"vectors": TensorProto.FLOAT}, FLOAT)
