"""The classifier of a cross-encoder."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

from biolord_export.checkpoint.weights import Head, HeadActivation, Linear
from biolord_export.graph.builder import FLOAT16, FLOAT32, FloatFormat, GraphBuilder
from biolord_export.graph.head import emit_head
from biolord_export.kernels.builder import KernelGraph
from biolord_export.kernels.score import emit_score
from biolord_onnx.session import kernels

DIM = 64
RANDOM = np.random.default_rng(4)
ACTIVATIONS: tuple[HeadActivation, ...] = ("tanh", "gelu", "relu")
FIRST = RANDOM.normal(0, 1, (3, DIM)).astype(np.float32)


def head(activation: HeadActivation) -> Head:
    """Make a classifier."""
    dense = Linear(RANDOM.normal(0, 0.2, (DIM, DIM)).astype(np.float32), RANDOM.normal(0, 1, DIM).astype(np.float32))
    return Head(dense, Linear(RANDOM.normal(0, 1, (DIM, 1)).astype(np.float32), np.ones(1, np.float32)), activation)


def expected(of: Head) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Compute scores in double precision."""
    inner = FIRST.astype(np.float64) @ of.dense.weight + of.dense.bias
    gelu = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2
    values = {"tanh": np.tanh(inner), "gelu": gelu, "relu": np.maximum(inner, 0)}
    return np.asarray(values[of.activation] @ of.output.weight + of.output.bias)


@pytest.mark.parametrize("floats", [FLOAT32, FLOAT16], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_scores_of_stock_operators(tmp_path: Path, activation: HeadActivation, floats: FloatFormat) -> None:
    """In float32, whatever the rest of the graph is in."""
    graph, one = GraphBuilder("head", floats), head(activation)
    emit_head(graph, graph.input("first", TensorProto.FLOAT, ["batch", DIM]), one)
    session = onnxruntime.InferenceSession(graph.save(tmp_path), providers=["CPUExecutionProvider"])
    (found,) = session.run(["logits"], {"first": FIRST})
    np.testing.assert_allclose(found, expected(one), atol=2e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_scores_of_the_compiled_operator(tmp_path: Path, activation: HeadActivation) -> None:
    """The same, of the first rows of texts."""
    graph, one = KernelGraph("head"), head(activation)
    hidden = graph.input("hidden", TensorProto.FLOAT, ["tokens", DIM])
    emit_score(graph, hidden, graph.input("starts", TensorProto.INT32, ["texts"]), one)
    options = onnxruntime.SessionOptions()
    kernels.register(options)
    session = onnxruntime.InferenceSession(graph.save(tmp_path), options, providers=["CPUExecutionProvider"])
    feed = {"hidden": np.repeat(FIRST, 2, axis=0), "starts": np.array([0, 2, 4, 6], np.int32)}
    np.testing.assert_allclose(session.run(["logits"], feed)[0], expected(one), atol=1e-3)
