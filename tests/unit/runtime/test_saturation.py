"""The probe of the 8-bit kernels, on the real onnxruntime."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from biolord_onnx import saturation
from biolord_onnx.saturation import INPUTS, OUTPUTS, TOKENS, ProductSum, measure_products, probe_model

EXACT = 64 * 255 * 127
SATURATED = 32 * 32_767
"""Every pair of products cut at 16 bits."""


def make_model(largest: int = 127) -> onnx.ModelProto:
    """Make the probe's model, with weights that are as large in one place at least, and 127 elsewhere."""
    weight = np.full((INPUTS, OUTPUTS), 127, dtype=np.int8)
    weight[0, 0] = largest
    inputs = (("tokens", TensorProto.UINT8, ["count", INPUTS]), ("rows", TensorProto.INT8, [INPUTS, OUTPUTS]))
    graph = helper.make_graph(
        [multiply("weight", "packed"), multiply("rows", "unpacked")],
        "saturation",
        [helper.make_tensor_value_info(*described) for described in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["count", OUTPUTS]) for name in ("packed", "unpacked")],
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(np.array(1, dtype=np.float32), "one"),
            numpy_helper.from_array(np.array(0, dtype=np.uint8), "zero"),
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, ir_version=8, opset_imports=opsets)


def multiply(weight: str, product: str) -> onnx.NodeProto:
    """Make the node that multiplies tokens with a weight."""
    inputs = ["tokens", weight, "one", "one", "zero"]
    return helper.make_node("MatMulIntegerToFloat", inputs, [product], domain="com.microsoft")


def test_the_stored_model_is_the_one_described() -> None:
    """The bytes in the source are those of the model that `make_model` makes."""
    assert onnx.load_from_string(probe_model()) == make_model()


def test_kernels_are_exact_or_saturate() -> None:
    """On any CPU the sum is the right one or the one that 16 bits leave of it: 1,048,544 for 2,072,640."""
    products = measure_products(onnxruntime)
    assert products.expected == EXACT
    assert products.found in {EXACT, SATURATED}
    assert products.exact == (products.found == EXACT)


def test_one_wrong_sum_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all kernels, outputs and token counts, the result furthest off counts."""
    monkeypatch.setattr(saturation, "probe_model", make_model(27).SerializeToString)
    products = measure_products.__wrapped__(onnxruntime)
    assert products.found <= EXACT - 255 * 100
    assert not products.exact


def test_it_is_asked_once() -> None:
    """The second answer is the first one, kept for the life of the process."""
    assert measure_products(onnxruntime) is measure_products(onnxruntime)


@pytest.mark.parametrize(("found", "exact"), [(EXACT, True), (EXACT - 1, False), (EXACT + 1, False)])
def test_only_the_exact_sum_is_exact(found: float, exact: bool) -> None:
    """Nothing near the right sum will do."""
    assert ProductSum(found, EXACT).exact is exact


def test_every_kernel_meets_a_sum_beyond_sixteen_bits() -> None:
    """The largest pair of products doesn't fit 16 bits, the whole sum is exact in float32, and one token is tried."""
    assert np.iinfo(np.int16).max < 2 * saturation.LARGEST_INPUT * saturation.LARGEST_WEIGHT
    assert np.float32(EXACT) == EXACT
    assert 1 in TOKENS
