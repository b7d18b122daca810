"""An encoder in whole numbers, as the compiled operators multiply it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biolord_export.checkpoint.weights import Float32

    Int8 = NDArray[np.int8]

LARGEST_WEIGHT = 127
"""Weights of 8 bits go from this, negative, to this."""
LOWEST4, HIGHEST4 = -8, 7
"""Weights of 4 bits."""
LARGEST_GROUP_SCALE = 15
"""Whole scales of groups go from 1 to this: what they make of 4 bits fits into 8."""


@dataclass(frozen=True, slots=True)
class IntegerLinear:
    """A linear layer whose weight is ``scale * values``, or with four bits ``scale * values * group_scales``.

    Attributes:
        values: int8 [inputs, outputs], -127 to 127; -8 to 7 with four bits.
        scale: float32 [outputs].
        bias: float32 [outputs].
        group_scales: int8 [inputs / group, outputs], 1 to 15, of consecutive inputs; None with eight bits.
    """

    values: Int8
    scale: Float32
    bias: Float32
    group_scales: Int8 | None = None


@dataclass(frozen=True, slots=True)
class AttentionWeights:
    """The half of a layer that ends with the normalization behind attention.

    Attributes:
        smoothing: float32 [2, dim]; queries, keys and values are made of ``x * smoothing[0] + smoothing[1]``, rounded.
        qkv: Yields queries, keys and values side by side; the values are those that ``output`` wants.
        output: The projection behind attention.
        value_bits: Bits of the activations that values are made of, 8 or 16.
    """

    smoothing: Float32
    qkv: IntegerLinear
    output: IntegerLinear
    value_bits: int = 8


@dataclass(frozen=True, slots=True)
class FeedForwardWeights:
    """The other half of a layer.

    Attributes:
        smoothing: float32 [2, dim], as above, for ``first``.
        first: Yields the inner channels, in the order of ``second``; where they have gates, a group's channels, its
            gates, and so on.
        second: One for each group of inner channels, which are rounded together; their biases add up to the layer's.
    """

    smoothing: Float32
    first: IntegerLinear
    second: tuple[IntegerLinear, ...]


@dataclass(frozen=True, slots=True)
class IntegerLayer:
    """Both halves of a transformer layer."""

    attention: AttentionWeights
    feed_forward: FeedForwardWeights


@dataclass(frozen=True, slots=True)
class IntegerEncoder:
    """All of an encoder that is rounded.

    Attributes:
        table: int8 [vocabulary, embedding dim], word embeddings.
        table_scales: float32 [vocabulary, embedding dim / 64].
        layers: First to last.
        projection: From embeddings to the first layer's input; None where that is the same.
    """

    table: Int8
    table_scales: Float32
    layers: tuple[IntegerLayer, ...]
    projection: IntegerLinear | None = None
