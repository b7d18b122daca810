"""The most that this machine's matmuls give through onnxruntime, at the shapes of a model's own layers."""

from __future__ import annotations

import time
from collections import Counter
from types import ModuleType
from typing import Literal

import numpy as np

from biolord_bench.layers import Layer
from biolord_bench.wire import field
from biolord_onnx.session_options import LOG_ERRORS_ONLY

Format = Literal["int8", "float32"]

TOKENS = 512
_SECONDS_PER_SHAPE = 0.15
_LEAST_RUNS = 3
# Shapes with less than this share of the multiplications are corrections beside the layers.
_LEAST_SHARE = 0.05
# Numbers of onnx.proto's TensorProto.DataType.
_FLOAT, _UINT8, _INT8 = 1, 2, 3


def measure_peak(ort: ModuleType, layers: list[Layer], number_format: Format, threads: int) -> float:
    """Return the best rate of a matmul alone, in 10^9 operations a second, over the shapes of a model's layers.

    A multiplication and an addition count as two operations.

    Args:
        ort: the module onnxruntime.
        layers: of the model, one or more.
        number_format: of the matmul.
        threads: cores of one run.
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

    In int8 it is com.microsoft's MatMulIntegerToFloat, as in the cpu-int8 target: unsigned tokens, signed weight.
    """
    random = np.random.default_rng(0)
    if number_format == "int8":
        weight = random.integers(-127, 128, size=(inputs, outputs), dtype=np.int8)
        tensors = [_tensor("weight", _INT8, (inputs, outputs), weight.tobytes())]
        tensors += [_tensor("one", _FLOAT, (), np.float32(1).tobytes()), _tensor("zero", _UINT8, (), b"\x80")]
        node = _node("MatMulIntegerToFloat", ("tokens", "weight", "one", "one", "zero"), "com.microsoft")
        kind = _UINT8
    else:
        values = random.standard_normal((inputs, outputs), dtype=np.float32)
        tensors = [_tensor("weight", _FLOAT, (inputs, outputs), values.tobytes())]
        node, kind = _node("MatMul", ("tokens", "weight"), ""), _FLOAT
    described = field(11, _value("tokens", kind, inputs)) + field(12, _value("product", _FLOAT, outputs))
    graph = field(1, node) + field(2, "matmul") + b"".join(field(5, tensor) for tensor in tensors) + described
    opsets = field(8, field(1, "") + field(2, 17)) + field(8, field(1, "com.microsoft") + field(2, 1))
    return field(1, 8) + field(7, graph) + opsets


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


def _tensor(name: str, kind: int, shape: tuple[int, ...], data: bytes) -> bytes:
    return b"".join(field(1, size) for size in shape) + field(2, kind) + field(8, name) + field(9, data)


def _node(operator: str, inputs: tuple[str, ...], domain: str) -> bytes:
    return b"".join(field(1, name) for name in inputs) + field(2, "product") + field(4, operator) + field(7, domain)


def _value(name: str, kind: int, width: int) -> bytes:
    shape = field(1, field(2, "count")) + field(1, field(1, width))
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))
