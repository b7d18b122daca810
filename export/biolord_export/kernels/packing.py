"""Linear layers in the layout in which the operators read them; ``kernels/README.md`` specifies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.kernels.layers import HIGHEST4, LARGEST_GROUP_SCALE, LARGEST_WEIGHT, LOWEST4

if TYPE_CHECKING:
    from biolord_export.checkpoint.weights import Float32
    from biolord_export.kernels.layers import Int8, IntegerLinear


@dataclass(frozen=True, slots=True)
class PackedLinear:
    """The tensors of a linear layer of K inputs and N outputs.

    Attributes:
        packed: int8 [N / 16, K / 4, 16, 4], with four bits [N / 16, K / 8, 16, 4].
        colsum: float32 [N], sums over the inputs, whole numbers.
        scale: float32 [N].
        bias: float32 [N].
        group_scales: int8 [N / 16, K / group, 16]; None with eight bits.
    """

    packed: Int8
    colsum: Float32
    scale: Float32
    bias: Float32
    group_scales: Int8 | None

    @property
    def columns(self) -> Float32:
        """The float32 [3, N] tensor of what belongs to each output."""
        return np.stack([self.colsum, self.scale, self.bias])


def pack_linear(linear: IntegerLinear) -> PackedLinear:
    """Lay a linear layer out.

    Raises:
        ValueError: A number is out of its range, or the sizes don't fit the layout.
    """
    if linear.group_scales is None:
        _check_range("weights", linear.values, -LARGEST_WEIGHT, LARGEST_WEIGHT)
        packed, whole, scales = _pack8(linear.values), linear.values, None
    else:
        _check_range("weights", linear.values, LOWEST4, HIGHEST4)
        _check_range("group scales", linear.group_scales, 1, LARGEST_GROUP_SCALE)
        packed, whole, scales = _pack4(linear.values), widen(linear), _pack_scales(linear.group_scales)
    colsum = whole.sum(axis=0, dtype=np.int32).astype(np.float32)
    return PackedLinear(packed, colsum, linear.scale, linear.bias, scales)


def widen(linear: IntegerLinear) -> Int8:
    """Return the int8 [inputs, outputs] weight in whole numbers that is multiplied with."""
    if linear.group_scales is None:
        return linear.values
    group = len(linear.values) // len(linear.group_scales)
    return linear.values * np.repeat(linear.group_scales, group, axis=0)


def _check_range(what: str, values: Int8, lowest: int, highest: int) -> None:
    found = int(values.min()), int(values.max())
    if found[0] < lowest or found[1] > highest:
        raise ValueError(f"{what} go from {found[0]} to {found[1]}, expected {lowest} to {highest}")


def _pack8(values: Int8) -> Int8:
    inputs, outputs = values.shape
    return np.ascontiguousarray(values.reshape(inputs // 4, 4, outputs // 16, 16).transpose(2, 0, 3, 1))


def _pack4(values: Int8) -> Int8:
    """Put two weights into a byte: input ``8c + i`` into the low half, ``8c + 4 + i`` into the high one."""
    inputs, outputs = values.shape
    codes = (values - LOWEST4).astype(np.uint8).reshape(inputs // 8, 2, 4, outputs // 16, 16).transpose(3, 0, 4, 2, 1)
    return np.ascontiguousarray(codes[..., 0] | codes[..., 1] << 4).view(np.int8)


def _pack_scales(scales: Int8) -> Int8:
    groups, outputs = scales.shape
    return np.ascontiguousarray(scales.reshape(groups, outputs // 16, 16).transpose(1, 0, 2))
