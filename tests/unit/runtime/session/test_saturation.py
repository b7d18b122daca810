"""The probe of the 8-bit kernels, on the real onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from biolord_onnx.session import saturation
from biolord_onnx.session.saturation import (
    INPUTS,
    TOKENS,
    WIDTHS,
    ProductSum,
    Runs,
    Sums,
    Weight,
    measure_products,
    probe_model,
    probe_tokens,
    probe_weight,
)

SATURATED = 56 * 32_767
"""Every pair of products cut at 16 bits."""


def make_model() -> onnx.ModelProto:
    """Make the probe's model."""
    inputs = [helper.make_tensor_value_info("tokens", TensorProto.UINT8, ["count", INPUTS])]
    inputs += [helper.make_tensor_value_info(f"rows{width}", TensorProto.INT8, [INPUTS, width]) for width in WIDTHS]
    weights = [numpy_helper.from_array(np.zeros((INPUTS, width), np.int8), f"weight{width}") for width in WIDTHS]
    ways = [(f"{source}{width}", f"{way}{width}", width) for width in WIDTHS for source, way in WAYS]
    graph = helper.make_graph(
        [multiply(source, product) for source, product, _ in ways],
        "products",
        inputs,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["count", width]) for _, name, width in ways],
        [
            *weights,
            numpy_helper.from_array(np.array(1, dtype=np.float32), "one"),
            numpy_helper.from_array(np.array(0, dtype=np.uint8), "zero"),
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, ir_version=8, opset_imports=opsets)


WAYS = (("weight", "packed"), ("rows", "unpacked"))


def multiply(weight: str, product: str) -> onnx.NodeProto:
    """Make the node that multiplies tokens with a weight."""
    inputs = ["tokens", weight, "one", "one", "zero"]
    return helper.make_node("MatMulIntegerToFloat", inputs, [product], domain="com.microsoft")


def test_the_stored_model_is_the_one_described() -> None:
    """The bytes in the source are those of the model that `make_model` makes."""
    assert onnx.load_from_string(probe_model()) == make_model()


def test_kernels_are_exact_or_saturate() -> None:
    """On any CPU every sum is the right one, or the largest is what 16 bits leave of it: no release may be wrong."""
    products = measure_products(onnxruntime)
    assert products.exact or products.saturated
    assert products.exact == (not products.saturated)


def sums_of(change: Callable[[Sums, Sums], Sums], monkeypatch: pytest.MonkeyPatch) -> ProductSum:
    """Measure with kernels that give something else than the exact sums they should."""
    real = saturation._products

    def changed(session: Runs, count: int, weights: dict[int, Weight]) -> Iterator[tuple[Sums, Sums]]:
        for _, exact in real(session, count, weights):
            yield change(exact.copy(), exact), exact

    monkeypatch.setattr(saturation, "_products", changed)
    return measure_products.__wrapped__(onnxruntime)


def test_exact_kernels_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine's are."""
    products = sums_of(lambda sums, _: sums, monkeypatch)
    assert (products.exact, products.saturated) == (True, False)
    assert products.expected > 0


def test_saturating_kernels_are_told_from_wrong_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pair cut at 16 bits is the same sum everywhere; of all outputs the one furthest off is shown."""
    products = sums_of(lambda sums, _: np.full_like(sums, SATURATED), monkeypatch)
    assert (products.found, products.exact, products.saturated) == (SATURATED, False, True)
    assert products.expected == 255 * int(probe_weight(8)[:, 0].astype(int).sum())


@pytest.mark.parametrize("count", [count for count in TOKENS if count >= 32])
@pytest.mark.parametrize("width", [24, 152])
def test_a_tile_of_other_columns_is_found(count: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What releases before 1.25 do on AMX: some rows of the last columns hold sums of columns beside them."""

    def misplace(sums: Sums, exact: Sums) -> Sums:
        if exact.shape == (count, width):
            sums[16:, -8:] = exact[16:, -16:-8]
        return sums

    products = sums_of(misplace, monkeypatch)
    assert (products.exact, products.saturated) == (False, False)


@given(data=st.data())
def test_any_wrong_sum_is_enough(data: st.DataObject) -> None:
    """Of all shapes, rows and columns, the result furthest off counts, even if it is another column's or row's."""
    count, width = data.draw(st.sampled_from(TOKENS)), data.draw(st.sampled_from(WIDTHS))
    row, column = data.draw(st.integers(0, count - 1)), data.draw(st.integers(0, width - 1))
    exact = probe_tokens(count).astype(np.float32) @ probe_weight(width).astype(np.float32)
    wrong = exact.copy()
    near = (column + data.draw(st.integers(1, 53))) % width
    wrong[row, column] = exact[row, near]
    products = saturation._furthest_off(wrong, exact)
    assert products.exact == (near == column or near % 54 == column % 54)
    assert not products.saturated


def test_it_is_asked_once() -> None:
    """The second answer is the first one, kept for the life of the process."""
    assert measure_products(onnxruntime) is measure_products(onnxruntime)


@pytest.mark.parametrize(("found", "exact"), [(2_000_000, True), (1_999_999, False), (2_000_001, False)])
def test_only_the_exact_sum_is_exact(found: float, exact: bool) -> None:
    """Nothing near the right sum will do."""
    assert ProductSum(found, 2_000_000).exact is exact


def test_every_kernel_meets_sums_beyond_sixteen_bits() -> None:
    """Each pair of products doesn't fit 16 bits, and each whole sum is exact in float32."""
    least = 2 * int(probe_tokens(max(TOKENS)).min()) * min(int(probe_weight(width).min()) for width in WIDTHS)
    assert least > np.iinfo(np.int16).max
    assert INPUTS * 255 * 127 < 2**24


def test_every_class_of_shapes_is_there() -> None:
    """Rows: one, and each part of two tiles' 32. Outputs: 8 modulo 16, after none, some and many tiles."""
    assert 1 in TOKENS
    assert {count % 32 // 8 for count in TOKENS if count > 32} == {1, 2, 3}
    assert {width % 16 for width in WIDTHS} == {8}
    assert {width % 32 for width in WIDTHS if width < 32} == {width % 32 for width in WIDTHS if width >= 32} == {8, 24}
    assert max(WIDTHS) > 128
