"""Weights in blocks: every 32 inputs of an output share a scale, and inputs are rounded in the same blocks at run time.

onnxruntime's ``MatMulNBits`` with ``accuracy_level`` 4 gives each token's input a scale of its own for each block, so
nothing is calibrated and nothing clips.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.graph.builder import MICROSOFT
from biolord_export.graph.operators import stay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.graph.operators import Move
    from biolord_export.weights import Float32

    UInt8 = NDArray[np.uint8]

BLOCK = 32
"""Inputs that share a scale."""
INPUT_LARGEST = 127
"""The end of the grid that the kernel rounds inputs to."""
INT8_INPUTS = 4
"""The ``accuracy_level`` that lets the kernel multiply integers."""


@dataclass(frozen=True)
class BlockWeight:
    """A weight matrix in unsigned integers: ``(codes - zero_points) * scales`` approximates it, transposed.

    Attributes:
        bits: 4 or 8.
        inputs: Rows of the weight; the codes of a last block that they don't fill are zero points.
        codes: uint8 [outputs, blocks, BLOCK].
        scales: float32 [outputs, blocks].
        zero_points: uint8 [outputs, blocks].
    """

    bits: int
    inputs: int
    codes: UInt8
    scales: Float32
    zero_points: UInt8

    def dense(self) -> Float32:
        """Return the float32 [inputs, outputs] weight that is really multiplied with."""
        steps = self.codes.astype(np.float32) - self.zero_points[..., np.newaxis]
        return (steps * self.scales[..., np.newaxis]).reshape(len(self.codes), -1)[:, : self.inputs].T

    def outputs(self, chosen: slice) -> BlockWeight:
        """Return the weight of some outputs."""
        return replace(self, codes=self.codes[chosen], scales=self.scales[chosen], zero_points=self.zero_points[chosen])

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in an artefact."""
        zero_points = 0 if self._centred else pack_codes(self.zero_points, self.bits).nbytes
        return self.codes.size * self.bits // 8 + self.scales.nbytes + zero_points

    @property
    def _centred(self) -> bool:
        return bool((self.zero_points == 1 << (self.bits - 1)).all())

    def emit(self, graph: GraphBuilder, x: str, bias: Float32) -> str:
        """Add ``x @ weight + bias``; zero points in the middle, which the kernel assumes, are left out."""
        zero_points = "" if self._centred else graph.constant(pack_codes(self.zero_points, self.bits), "zero_points")
        return graph.op(
            "MatMulNBits",
            x,
            graph.constant(pack_codes(self.codes, self.bits), "weight"),
            graph.constant(self.scales, "scales"),
            zero_points,
            "",
            graph.constant(bias, "bias"),
            domain=MICROSOFT,
            K=self.inputs,
            N=len(self.codes),
            bits=self.bits,
            block_size=BLOCK,
            accuracy_level=INT8_INPUTS,
        )


@dataclass(frozen=True)
class BlockLinear:
    """A linear layer with a block weight."""

    weight: BlockWeight
    bias: Float32

    def emit(self, graph: GraphBuilder, x: str, move: Move = stay) -> str:
        """Add the product, bias included."""
        return self.weight.emit(graph, move(x), self.bias)

    def outputs(self, chosen: slice) -> BlockLinear:
        """Return the layer that yields some of the outputs."""
        return BlockLinear(self.weight.outputs(chosen), self.bias[chosen])

    def apply(self, x: Float32) -> Float32:
        """Compute in numpy what the emitted node does, float32 [tokens, inputs] to [tokens, outputs]."""
        return round_inputs(x) @ self.weight.dense() + self.bias


def pack_codes(codes: UInt8, bits: int) -> UInt8:
    """Put the codes of the last axis into bytes, low bits first; an odd last 4-bit code is followed by a 0."""
    if bits == 8:
        return codes
    odd = codes.shape[-1] % 2
    even = np.pad(codes, [(0, 0)] * (codes.ndim - 1) + [(0, odd)]) if odd else codes
    return np.asarray(even[..., 0::2] | even[..., 1::2] << 4, dtype=np.uint8)


def split_blocks(rows: Float32) -> Float32:
    """From float32 [any, inputs] to [any, blocks, BLOCK], a last block filled up with 0."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % BLOCK))).reshape(len(rows), -1, BLOCK)


def round_inputs(x: Float32) -> Float32:
    """Round float32 [tokens, inputs] as the kernel does: to 8 bits, one scale for each token and block."""
    blocks = split_blocks(x)
    scales = np.abs(blocks).max(axis=2, keepdims=True) / np.float32(INPUT_LARGEST)
    steps = np.rint(blocks / np.maximum(scales, np.finfo(np.float32).tiny))
    return np.asarray((steps * scales).reshape(len(x), -1)[:, : x.shape[1]], dtype=np.float32)
