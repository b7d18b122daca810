"""Round a weight to 4 bits in blocks, by GPTQ (Frantar et al. 2022).

Blocks are rounded in the order of their inputs' energy, which needs no permutation at run time: only the order of the
work changes, not the layout. Each block's range is searched for each output by what GPTQ would be left with, not by how
near the weights come; at the end every code is revisited, now that all of the others are known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.quantise.block import BLOCK, BlockWeight
from biolord_export.quantise.gptq import damp, inverse_factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biolord_export.weights import Float32

BITS = 4
LARGEST = 15
"""The largest code."""
SHRINKS = tuple(np.linspace(1.1, 0.55, 12, dtype=np.float32))
"""Shares of a block's range that are tried; past 1, a lucky step may still win."""
SWEEPS = 2
"""How often every code is revisited."""


@dataclass(frozen=True)
class _Fit:
    """A block rounded for all outputs: [BLOCK, outputs], or [outputs]; ``left`` is what later inputs make up for."""

    codes: Float32
    left: Float32
    scales: Float32
    zero_points: Float32


def round_block4(weight: Float32, covariance: Float32) -> BlockWeight:
    """Round a weight to 4 bits.

    Args:
        weight: float32 [inputs, outputs].
        covariance: float32 [inputs, inputs] of the inputs it will meet, summed over tokens.
    """
    missing = -len(weight) % BLOCK
    exact = np.pad(weight, ((0, missing), (0, 0)))
    hessian = damp(np.pad(covariance, ((0, missing), (0, missing))))
    rounded = _improve(_round_blocks(exact, hessian), exact, hessian)
    return replace(rounded, inputs=len(weight))


def _round_blocks(exact: Float32, hessian: Float32) -> BlockWeight:
    order = _order(np.diagonal(hessian))
    factor = inverse_factor(hessian[np.ix_(order.ravel(), order.ravel())])
    waiting = exact[order.ravel()]
    blocks, outputs = len(order), exact.shape[1]
    codes = np.empty((outputs, blocks, BLOCK), dtype=np.uint8)
    scales = np.empty((outputs, blocks), dtype=np.float32)
    zero_points = np.empty((outputs, blocks), dtype=np.uint8)
    for step, members in enumerate(order):
        rows, stop = slice(step * BLOCK, (step + 1) * BLOCK), (step + 1) * BLOCK
        fit = _fit_block(waiting[rows], factor[rows, rows])
        waiting[stop:] -= factor[rows, stop:].T @ fit.left
        place = members[0] // BLOCK
        codes[:, place, members % BLOCK] = fit.codes.T
        scales[:, place], zero_points[:, place] = fit.scales, fit.zero_points
    return BlockWeight(BITS, len(exact), codes, scales, zero_points)


def _order(energy: Float32) -> NDArray[np.int64]:
    """Return int64 [blocks, BLOCK], the inputs in the order of their rounding: blocks that matter most first."""
    blocks = energy.reshape(-1, BLOCK)
    inside = np.argsort(-blocks, axis=1, kind="stable")
    first = np.argsort(-blocks.sum(axis=1), kind="stable")
    return np.asarray(inside + BLOCK * np.arange(len(blocks))[:, np.newaxis])[first]


def _fit_block(rows: Float32, factor: Float32) -> _Fit:
    """Round a block's inputs one after the other on each range that is tried, and keep the best for each output."""
    shrinks = np.array(SHRINKS)[:, np.newaxis]
    lowest, highest = np.minimum(rows.min(axis=0), 0) * shrinks, np.maximum(rows.max(axis=0), 0) * shrinks
    scales = np.maximum((highest - lowest) / np.float32(LARGEST), np.finfo(np.float32).tiny)
    zero_points = np.clip(np.rint(-lowest / scales), 0, LARGEST)
    codes = np.empty((BLOCK, *scales.shape), dtype=np.float32)
    left = np.empty_like(codes)
    for row in range(BLOCK):
        # What the rows before leave is taken off when a row's turn comes, which reads them once instead of
        # rewriting all that wait.
        value = rows[row] - (factor[:row, row] @ left[:row].reshape(row, scales.size)).reshape(scales.shape)
        codes[row] = np.clip(np.rint(value / scales) + zero_points, 0, LARGEST)
        left[row] = (value - (codes[row] - zero_points) * scales) / factor[row, row]
    best = np.square(left).sum(axis=0).argmin(axis=0)
    outputs = np.arange(rows.shape[1])
    return _Fit(codes[:, best, outputs], left[:, best, outputs], scales[best, outputs], zero_points[best, outputs])


def _improve(rounded: BlockWeight, exact: Float32, hessian: Float32) -> BlockWeight:
    """Move one code at a time to where the output's error is smallest while the others stay: coordinate descent."""
    scales = rounded.scales.T
    codes = rounded.codes.transpose(1, 2, 0).astype(np.float32)
    gradient = hessian @ (exact - rounded.dense())
    for block in list(range(len(codes))) * SWEEPS:
        rows = slice(block * BLOCK, (block + 1) * BLOCK)
        moved = _move_codes(codes[block], gradient[rows] / scales[block], hessian[rows, rows])
        gradient -= hessian[:, rows] @ ((moved - codes[block]) * scales[block])
        codes[block] = moved
    return replace(rounded, codes=np.ascontiguousarray(codes.transpose(2, 0, 1), dtype=np.uint8))


def _move_codes(codes: Float32, gradient: Float32, hessian: Float32) -> Float32:
    """Do so for a block, float32 [BLOCK, outputs]; the gradient is in steps of the grid."""
    changes = np.empty_like(codes)
    for row in range(BLOCK):
        slope = gradient[row] - hessian[:row, row] @ changes[:row]
        moved = np.clip(np.rint(codes[row] + slope / hessian[row, row]), 0, LARGEST)
        changes[row] = moved - codes[row]
    return codes + changes
