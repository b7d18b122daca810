"""The layout of linear layers, as kernels/README.md specifies it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_export.kernels.layers import IntegerLinear
from biolord_export.kernels.packing import pack_linear, widen

Int8 = NDArray[np.int8]
SIZES = st.tuples(st.sampled_from([8, 16, 64, 72]), st.sampled_from([16, 48, 64]), st.integers(0, 9))


def linear8(inputs: int, outputs: int, seed: int = 0) -> IntegerLinear:
    """Make a random layer of 8 bits."""
    random = np.random.default_rng(seed)
    values = random.integers(-127, 128, (inputs, outputs)).astype(np.int8)
    scale, bias = random.normal(size=(2, outputs)).astype(np.float32)
    return IntegerLinear(values, scale, bias)


def linear4(inputs: int, outputs: int, seed: int = 0, group: int = 8) -> IntegerLinear:
    """Make a random layer of 4 bits."""
    random = np.random.default_rng(seed)
    values = random.integers(-8, 8, (inputs, outputs)).astype(np.int8)
    scales = random.integers(1, 16, (inputs // group, outputs)).astype(np.int8)
    scale, bias = random.normal(size=(2, outputs)).astype(np.float32)
    return IntegerLinear(values, scale, bias, scales)


@settings(deadline=None)
@given(SIZES)
def test_eight_bits_lie_where_the_specification_says(sizes: tuple[int, int, int]) -> None:
    """packed[n / 16, k / 4, n % 16, k % 4] = w[n, k]."""
    linear = linear8(*sizes)
    packed = pack_linear(linear).packed
    k, n = np.indices(linear.values.shape)
    assert packed.shape == (sizes[1] // 16, sizes[0] // 4, 16, 4)
    assert packed.flags.c_contiguous
    np.testing.assert_array_equal(packed[n // 16, k // 4, n % 16, k % 4], linear.values)


@settings(deadline=None)
@given(SIZES)
def test_four_bits_lie_where_the_specification_says(sizes: tuple[int, int, int]) -> None:
    """Byte [n / 16, c, n % 16, i]: low half v[n, 8c + i] + 8, high half v[n, 8c + 4 + i] + 8."""
    linear = linear4(*sizes)
    codes = pack_linear(linear).packed.view(np.uint8)
    k, n = np.indices(linear.values.shape)
    halves = codes[n // 16, k // 8, n % 16, k % 4] >> 4 * (k % 8 // 4) & 15
    np.testing.assert_array_equal(halves.astype(np.int8) - 8, linear.values)


@settings(deadline=None)
@given(SIZES, st.sampled_from([8, 24, 32]))
def test_group_scales_lie_where_the_specification_says(sizes: tuple[int, int, int], group: int) -> None:
    """[n / 16, k / group, n % 16]; a whole weight is the product of both."""
    inputs, outputs, seed = group * 3, sizes[1], sizes[2]
    linear = linear4(inputs, outputs, seed, group)
    packed = pack_linear(linear)
    k, n = np.indices(linear.values.shape)
    assert packed.group_scales is not None
    scales = packed.group_scales[n // 16, k // group, n % 16]
    np.testing.assert_array_equal(widen(linear), linear.values * scales)


@pytest.mark.parametrize("make", [linear8, linear4])
def test_columns_are_sums_scales_and_biases(make: type) -> None:
    """The sums are those of the whole weights, and exact."""
    linear = make(64, 32)
    columns = pack_linear(linear).columns
    assert (str(columns.dtype), columns.shape) == ("float32", (3, 32))
    np.testing.assert_array_equal(columns[0], widen(linear).astype(np.int64).sum(axis=0))
    np.testing.assert_array_equal(columns[1:], [linear.scale, linear.bias])


def test_the_largest_sums_are_exact() -> None:
    """As wide as the operators allow, every weight at its end."""
    inputs = 16_384
    full = IntegerLinear(np.full((inputs, 16), 127, np.int8), np.ones(16, np.float32), np.zeros(16, np.float32))
    assert set(pack_linear(full).colsum.tolist()) == {127.0 * inputs}


@pytest.mark.parametrize(
    ("values", "scales", "message"),
    [
        (-128, None, "weights go from -128 to 127, expected -127 to 127"),
        (8, 1, "weights go from -8 to 8, expected -8 to 7"),
        (-9, 1, "weights go from -9 to 7, expected -8 to 7"),
        (7, 16, "group scales go from 1 to 16, expected 1 to 15"),
        (7, 0, "group scales go from 0 to 15, expected 1 to 15"),
    ],
)
def test_numbers_out_of_range_are_a_programming_error(values: int, scales: int | None, message: str) -> None:
    """They would be cut to other numbers without a word."""
    linear = linear8(64, 16) if scales is None else linear4(64, 16)
    linear.values[0, 0], linear.values[1, :2] = values, (127, -127) if scales is None else (7, -8)
    if linear.group_scales is not None and scales is not None:
        linear.group_scales[0, :3] = scales, 1, 15
    with pytest.raises(ValueError, match=message):
        pack_linear(linear)
