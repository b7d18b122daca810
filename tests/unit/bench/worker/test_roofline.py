"""The peak of the machine's matmuls."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from biolord_bench.worker.layers import Layer
from biolord_bench.worker.roofline import Format, main_shapes, matmul_model, measure_peak


@pytest.mark.parametrize("number_format", ["int8", "float32"])
def test_the_model_is_a_valid_one(number_format: Format) -> None:
    """With one weight of the shape and the type asked for."""
    data = matmul_model(16, 48, number_format)
    parsed = onnx.load_from_string(data)
    onnx.checker.check_model(parsed)
    (weight,) = (numpy_helper.to_array(one) for one in parsed.graph.initializer if one.name == "weight")
    assert (weight.shape, str(weight.dtype)) == ((16, 48), number_format)


@pytest.mark.parametrize(("number_format", "zero"), [("int8", 128), ("float32", 0)])
def test_the_model_multiplies(number_format: Format, zero: int) -> None:
    """Its product is numpy's."""
    data = matmul_model(16, 8, number_format)
    weight = numpy_helper.to_array(onnx.load_from_string(data).graph.initializer[0]).astype(np.float64)
    tokens = np.arange(32).reshape(2, 16).astype(np.uint8 if number_format == "int8" else np.float32)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (product,) = session.run(None, {"tokens": tokens})
    np.testing.assert_allclose(product, (tokens.astype(np.float64) - zero) @ weight, rtol=1e-5, atol=1e-4)


def test_the_main_shapes_are_the_heavy_ones() -> None:
    """Equal shapes count together; a correction of a few channels is no shape to measure."""
    layers = [Layer(64, 64, True)] * 3 + [Layer(64, 256, True), Layer(4, 64, False)]
    assert main_shapes(layers) == [(64, 64), (64, 256)]


@pytest.mark.parametrize("number_format", ["int8", "float32"])
def test_a_peak_is_measured(number_format: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate in 10^9 operations a second that a CPU can have."""
    monkeypatch.setattr("biolord_bench.worker.roofline._SECONDS_PER_SHAPE", 0.0)
    assert 0.01 < measure_peak(onnxruntime, [Layer(64, 64, True)], number_format, 1) < 1e5
