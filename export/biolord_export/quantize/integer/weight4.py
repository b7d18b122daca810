"""Round a weight to 4 bits by GPTQ, in groups whose scales are whole numbers on top of a scale for each output.

So weights can be widened to 8 bits as they are read and multiplied as 8-bit weights are (the progressive scheme of
QServe, Lin et al. 2024). Groups are rounded in the order of their inputs' energy, which needs no permutation at run
time: only the order of the work changes, not the layout. Each group's scale is searched for each output by what GPTQ
would be left with, not by how near the weights come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.kernels.layers import HIGHEST4, LARGEST_GROUP_SCALE, LOWEST4
from biolord_export.quantize.descent import descend
from biolord_export.quantize.gptq import damp, inverse_factor
from biolord_export.quantize.integer.weight import IntegerWeight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from biolord_export.checkpoint.weights import Float32

GROUP = 16
"""Inputs that share a whole scale."""
WIDEST = 14
"""The scale of an output's widest group as it is before rounding: what others leave may widen it."""
TRIED = 8
"""Scales that are tried for a group, from the one that clips nothing downward."""
ROOM = np.float32(1.1)
"""How far past a group's range the first of them may reach: a lucky step may still win."""
SWEEPS = 2
"""How often every value is revisited, and scales of outputs fitted."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """A group rounded for all outputs: [GROUP, outputs], or [outputs]; ``left`` is what later inputs make up for."""

    values: Float32
    left: Float32
    scale: Float32


def round_weight4(
    weight: Float32, covariance: Float32, widths: Sequence[int] | None = None
) -> tuple[IntegerWeight, ...]:
    """Round a weight to 4 bits.

    Args:
        weight: float32 [inputs, outputs].
        covariance: float32 [inputs, inputs] of the inputs it will meet.
        widths: Of the parts of consecutive inputs it is cut into, each of which has scales of its own; None: one part.
    """
    widths = widths or [len(weight)]
    hessian, ends = damp(covariance), np.cumsum(widths)
    base = _base(weight, ends - np.asarray(widths))
    values, scales = _round_groups(weight, hessian, np.repeat(base, widths, axis=0))
    whole = np.repeat(scales, GROUP, axis=0)
    gradient = hessian @ (weight - values * whole * np.repeat(base, widths, axis=0))
    for _ in range(SWEEPS):
        steps = whole * np.repeat(base, widths, axis=0)
        values = descend(values, steps, gradient, hessian, (LOWEST4, HIGHEST4))
        base = _refit(values * whole, base, ends, gradient, hessian)
    cuts = (np.split(values.astype(np.int8), ends[:-1]), np.split(scales.astype(np.int8), ends[:-1] // GROUP))
    cut = zip(cuts[0], base, cuts[1], strict=True)
    return tuple(IntegerWeight(*each) for each in cut)


def _base(weight: Float32, begins: NDArray[np.int64]) -> Float32:
    """Return float32 [parts, outputs], the step that a group of scale 1 has."""
    groups = weight.reshape(-1, GROUP, weight.shape[1])
    widest = np.maximum.reduceat(_step(groups, axis=1), begins // GROUP, axis=0) / WIDEST
    return np.asarray(np.maximum(widest, np.finfo(np.float32).tiny), dtype=np.float32)


def _step(weights: Float32, axis: int) -> Float32:
    """Return the finest step that clips none of the weights along an axis."""
    return np.asarray(np.maximum(weights.max(axis=axis) / HIGHEST4, weights.min(axis=axis) / LOWEST4))


def _round_groups(weight: Float32, hessian: Float32, bases: Float32) -> tuple[Float32, Float32]:
    """Return values, float32 [inputs, outputs], and scales, float32 [groups, outputs], both whole."""
    order = _order(np.diagonal(hessian))
    factor = inverse_factor(hessian[np.ix_(order.ravel(), order.ravel())])
    waiting = weight[order.ravel()]
    values, scales = np.empty_like(weight), np.empty((len(order), weight.shape[1]), dtype=np.float32)
    for step, members in enumerate(order):
        rows, stop = slice(step * GROUP, (step + 1) * GROUP), (step + 1) * GROUP
        place = members[0] // GROUP
        fit = _fit_group(waiting[rows], factor[rows, rows], bases[members[0]])
        waiting[stop:] -= factor[rows, stop:].T @ fit.left
        values[members], scales[place] = fit.values, fit.scale
    return values, scales


def _order(energy: Float32) -> NDArray[np.int64]:
    """Return int64 [groups, GROUP], the inputs in the order of their rounding: groups that matter most first."""
    groups = energy.reshape(-1, GROUP)
    inside = np.argsort(-groups, axis=1, kind="stable")
    first = np.argsort(-groups.sum(axis=1), kind="stable")
    return np.asarray(inside + GROUP * np.arange(len(groups))[:, np.newaxis])[first]


def _fit_group(rows: Float32, factor: Float32, base: Float32) -> _Fit:
    """Round a group's inputs one after the other on each scale that is tried, and keep the best for each output."""
    first = np.ceil(_step(rows, axis=0) / base * ROOM)
    scales = np.clip(np.minimum(first, LARGEST_GROUP_SCALE) - np.arange(TRIED)[:, np.newaxis], 1, LARGEST_GROUP_SCALE)
    steps = (scales * base).astype(np.float32)
    values = np.empty((GROUP, *steps.shape), dtype=np.float32)
    left = np.empty_like(values)
    for row in range(GROUP):
        # What the rows before leave is taken off when a row's turn comes, which reads them once instead of
        # rewriting all that wait.
        ideal = rows[row] - (factor[:row, row] @ left[:row].reshape(row, steps.size)).reshape(steps.shape)
        values[row] = np.clip(np.rint(ideal / steps), LOWEST4, HIGHEST4)
        left[row] = (ideal - values[row] * steps) / factor[row, row]
    best = np.square(left).sum(axis=0).argmin(axis=0)
    outputs = np.arange(rows.shape[1])
    return _Fit(values[:, best, outputs], left[:, best, outputs], scales[best, outputs].astype(np.float32))


def _refit(whole: Float32, base: Float32, ends: NDArray[np.int64], gradient: Float32, hessian: Float32) -> Float32:
    """Fit the scales of outputs, part by part, to what the whole numbers became; keeps the gradient up."""
    base = base.copy()
    for part, (begin, end) in enumerate(zip((0, *ends[:-1]), ends, strict=True)):
        rows = slice(begin, end)
        pushed = hessian[:, rows] @ whole[rows]
        energy = np.maximum(np.einsum("kn,kn->n", whole[rows], pushed[rows]), np.finfo(np.float32).tiny)
        change = np.einsum("kn,kn->n", whole[rows], gradient[rows]) / energy
        change = np.where(base[part] + change > 0, change, 0).astype(np.float32)  # an output of noise alone may cross 0
        gradient -= pushed * change
        base[part] += change
    return base
