"""Centering and smoothing of inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_export.checkpoint.weights import Linear
from biolord_export.quantize.smoothing import Smoothing, choose_smoothing, smooth
from biolord_export.quantize.token_grid import round_tokens
from unit.export.quantize.block_inputs import correlated, random, random_linear, seen
from unit.export.quantize.observed import observe

Float32 = NDArray[np.float32]


def binary(inputs: int) -> Smoothing:
    """Make one of powers of two: float32 makes no error of its own."""
    generator = np.random.default_rng(inputs)
    factor = (2.0 ** generator.integers(-2, 3, inputs)).astype(np.float32)
    return Smoothing((generator.integers(-40, 40, inputs) / 8).astype(np.float32), factor, 0.5)


def lost(smoothing: Smoothing, x: Float32, weight: Float32) -> float:
    """Sum the power of what rounding the inputs does to the outputs."""
    smoothed = smoothing.apply(x)
    return float(np.square((round_tokens(smoothed) - smoothed) @ smoothing.scale(weight)).sum())


def test_a_product_is_what_it_was() -> None:
    """Smoothed inputs times the scaled weight are centered inputs times the weight."""
    smoothing, x, weight = binary(48), random(20, 48), random(48, 10)
    found = smoothing.apply(x) @ smoothing.scale(weight)
    assert np.allclose(found, (x - smoothing.center) @ weight, atol=1e-4)


def test_rows_are_gain_and_shift() -> None:
    """What the operators compute of them is what ``apply`` does."""
    smoothing, x = binary(48), random(20, 48)
    gain, shift = smoothing.rows()
    assert np.allclose(x * gain + shift, smoothing.apply(x), atol=1e-5)
    assert (smoothing.rows().dtype, smoothing.rows().shape) == (np.dtype(np.float32), (2, 48))


def test_folding_lets_values_come_out_centered_and_smoothed() -> None:
    """Attention weights add up to 1, so mixing folded values is mixing them and then smoothing, to the last bits."""
    smoothing, qkv, x = binary(32), random_linear(48, 96), random(20, 48)
    folded = smoothing.fold(qkv)
    plain, values = x @ qkv.weight + qkv.bias, (x @ folded.weight + folded.bias)[:, 64:]
    attention = np.abs(random(20, 20))
    attention /= attention.sum(axis=1, keepdims=True)
    assert np.array_equal(folded.weight[:, :64], qkv.weight[:, :64])
    assert np.array_equal(folded.bias[:64], qkv.bias[:64])
    assert np.allclose(attention @ values, smoothing.apply(attention @ plain[:, 64:]), atol=1e-4)
    assert np.array_equal(qkv.weight, random_linear(48, 96).weight)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_strength_says_how_much_of_the_ranges_moves_into_the_weight(strength: float) -> None:
    """At 1 all channels reach equally far, at 0 all rows of the weight do."""
    statistics, weight = seen(40), random(40, 12) * np.geomspace(0.1, 10, 40, dtype=np.float32)[:, np.newaxis]
    smoothing = smooth(statistics, weight, strength)
    reach = np.log((statistics.highest - statistics.lowest) / smoothing.factor)
    rows = np.log(np.abs(smoothing.scale(weight)).max(axis=1))
    assert np.ptp(reach) * strength == pytest.approx(np.ptp(rows) * (1 - strength), abs=1e-3)
    assert np.log(smoothing.factor).mean() == pytest.approx(0, abs=1e-4)
    assert np.allclose(smoothing.apply(statistics.highest), -smoothing.apply(statistics.lowest), atol=1e-3)


def test_smoothing_loses_less_where_channels_differ() -> None:
    """On new inputs, the choice leaves a fraction of what rounding the raw inputs does."""
    statistics, weight = seen(64), random(64, 24)
    raw = Smoothing(np.zeros(64, np.float32), np.ones(64, np.float32), 0.0)
    chosen = choose_smoothing(statistics, weight, (0.5, 0.8))
    unseen = correlated(300, 64, seed=11)
    assert lost(chosen, unseen, weight) < 0.5 * lost(raw, unseen, weight)


def test_the_strength_is_chosen_that_loses_least() -> None:
    """Of two, the better one on inputs held back, in whichever order they are given."""
    statistics = observe(correlated(400, 64), correlated(200, 64, seed=5))
    weight = random(64, 24)
    both = [smooth(statistics, weight, strength) for strength in (0.0, 0.7)]
    losses = [lost(each, statistics.held_out, weight) for each in both]
    assert losses[1] < losses[0] / 2
    for strengths in ((0.0, 0.7), (0.7, 0.0)):
        assert choose_smoothing(statistics, weight, strengths).strength == 0.7


def test_strange_inputs_count_for_the_choice() -> None:
    """Tokens unlike all others can turn it."""
    statistics, weight = observe(correlated(400, 64), correlated(200, 64, seed=5)), random(64, 24)
    degenerate = smooth(statistics, weight, 0.0).factor * random(40, 64, seed=8) * 1000 + statistics.mean
    chosen = choose_smoothing(replace(statistics, degenerate=degenerate.astype(np.float32)), weight, (0.0, 0.7))
    assert (chosen.strength, choose_smoothing(statistics, weight, (0.0, 0.7)).strength) == (0.0, 0.7)


def test_channels_that_never_vary_and_rows_of_zeros_do_no_harm() -> None:
    """Neither are inputs that no output depends on."""
    rows, weight = correlated(300, 16), random(16, 8)
    rows[:, 3], weight[5] = 2.5, 0
    smoothing = choose_smoothing(observe(rows), weight, (0.65, 0.9))
    assert np.isfinite(smoothing.rows()).all()
    assert (smoothing.factor > 0).all()
    assert lost(smoothing, rows, weight) < 1e-2 * float(np.square(rows @ weight).sum())


def test_a_layer_without_a_range_is_left_as_it_is() -> None:
    """Zeros of both can be divided by."""
    linear = Linear(np.zeros((8, 4), np.float32), np.zeros(4, np.float32))
    smoothing = smooth(observe(np.zeros((5, 8), np.float32)), linear.weight, 0.7)
    assert np.allclose(smoothing.factor, 1)
