"""The most that this machine's matmuls give through onnxruntime, at the shapes of a model's own layers."""

from __future__ import annotations

import time
from collections import Counter
from types import ModuleType
from typing import Literal

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from biolord_bench.worker.layers import Layer
from biolord_onnx.session.options import LOG_ERRORS_ONLY

Format = Literal["int8", "float32"]

TOKENS = 512
_SECONDS_PER_SHAPE = 0.15
_LEAST_RUNS = 3
# Shapes with less than this share of the multiplications are corrections beside the layers.
_LEAST_SHARE = 0.05


def measure_peak(ort: ModuleType, layers: list[Layer], number_format: Format, threads: int) -> float:
    """Return the best rate of a matmul alone, in 10^9 operations a second, over the shapes of a model's layers.

    A multiplication and an addition count as two operations.

    Args:
        ort: The module onnxruntime.
        layers: Of the model, one or more.
        number_format: Of the matmul.
        threads: Cores of one run.
    """
    return max(_rate(ort, shape, number_format, threads) for shape in main_shapes(layers))


def main_shapes(layers: list[Layer]) -> list[tuple[int, int]]:
    """List the different shapes (inputs, outputs) that make up the bulk of a model's multiplications."""
    macs: Counter[tuple[int, int]] = Counter()
    for layer in layers:
        macs[layer.inputs, layer.outputs] += layer.macs
    return [shape for shape, count in macs.items() if count >= _LEAST_SHARE * macs.total()]


def matmul_model(inputs: int, outputs: int, number_format: Format) -> bytes:
    """Build an ONNX model that multiplies ``tokens`` [count, inputs] with a constant weight [inputs, outputs].

    In int8 it is com.microsoft's MatMulIntegerToFloat, onnxruntime's fastest: unsigned tokens, signed weight.
    """
    random = np.random.default_rng(0)
    if number_format == "int8":
        constants: dict[str, np.ndarray] = {
            "weight": random.integers(-127, 128, size=(inputs, outputs), dtype=np.int8),
            "one": np.array(1, dtype=np.float32),
            "zero": np.array(128, dtype=np.uint8),
        }
        names = ["tokens", "weight", "one", "one", "zero"]
        node = helper.make_node("MatMulIntegerToFloat", names, ["product"], domain="com.microsoft")
        kind = TensorProto.UINT8
    else:
        constants = {"weight": random.standard_normal((inputs, outputs), dtype=np.float32)}
        node, kind = helper.make_node("MatMul", ["tokens", "weight"], ["product"]), TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "matmul",
        [helper.make_tensor_value_info("tokens", kind, ["count", inputs])],
        [helper.make_tensor_value_info("product", TensorProto.FLOAT, ["count", outputs])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def _rate(ort: ModuleType, shape: tuple[int, int], number_format: Format, threads: int) -> float:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = LOG_ERRORS_ONLY
    session = ort.InferenceSession(matmul_model(*shape, number_format), options, providers=["CPUExecutionProvider"])
    kind = np.uint8 if number_format == "int8" else np.float32
    feed = {"tokens": np.random.default_rng(1).integers(0, 255, size=(TOKENS, shape[0])).astype(kind)}
    best, spent, runs = float("inf"), 0.0, 0
    while runs < _LEAST_RUNS or spent < _SECONDS_PER_SHAPE:
        started = time.perf_counter()
        session.run(None, feed)
        seconds = time.perf_counter() - started
        best, spent, runs = min(best, seconds), spent + seconds, runs + 1
    return 2 * TOKENS * shape[0] * shape[1] / best / 1e9
