"""The static 8-bit scheme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import erf

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_export.calibration.collect import InputStatistics
from biolord_export.checkpoint.weights import EncoderWeights, Linear
from biolord_export.graph.encoder import LINEAR_INPUTS
from biolord_export.quantize.candidates import FLOORS, MARGINS, OUTLIER_COUNTS, STRENGTHS, InnerChoice
from biolord_export.quantize.grid import PerTensorQuantizer, PerTokenQuantizer
from biolord_export.quantize.static8 import (
    StaticEncoder,
    StaticLinear,
    fold_values,
    quantize_inner,
    quantize_linear,
    quantize_static8,
)
from biolord_export.quantize.weight8 import Int8Weight
from unit.export.quantize.block_inputs import correlated, random, random_linear, relative, seen
from unit.export.quantize.observed import observe, output_power

Float32 = NDArray[np.float32]
Statistics = Mapping[tuple[int, str], InputStatistics]
ALIKE = 2e-6
"""float32 sums in another order."""


@pytest.fixture(scope="module")
def quantized(weights: EncoderWeights, statistics: Statistics) -> StaticEncoder:
    """It, quantized."""
    return quantize_static8(weights, statistics)


def random_weight(inputs: int, outputs: int) -> Int8Weight:
    """Make a weight."""
    values = np.random.default_rng(inputs).integers(-127, 128, (inputs, outputs)).astype(np.int8)
    return Int8Weight(values, np.geomspace(0.01, 1, outputs, dtype=np.float32))


def binary_grid(inputs: int, step: float = 0.03125) -> PerTensorQuantizer:
    """Make a grid of powers of two, whose centers lie on it: float32 makes no error of its own."""
    generator = np.random.default_rng(inputs)
    smooth = (2.0 ** generator.integers(-2, 3, inputs)).astype(np.float32)
    return PerTensorQuantizer((generator.integers(-40, 40, inputs) / 8).astype(np.float32), smooth, step, 128)


def static_linear(inputs: int, outputs: int) -> StaticLinear:
    """Make an operator of random parts."""
    return StaticLinear(binary_grid(inputs), random_weight(inputs, outputs), random(outputs))


def exact(linear: Linear, x: Float32) -> Float32:
    """Compute a layer in float32."""
    return x @ linear.weight + linear.bias


def gelu(x: Float32) -> Float32:
    """Compute a GELU."""
    return np.asarray(x * (1 + np.vectorize(erf)(x / np.sqrt(2))) / 2, dtype=np.float32)


def test_some_outputs_of_a_layer_are_those_of_the_whole() -> None:
    """Outputs are kept in the order asked for, with their scales and biases."""
    operator, x, chosen = static_linear(32, 20), random(6, 32), np.array([17, 2, 5])
    part = operator.outputs(chosen)
    assert part.weight.values.shape == (32, 3)
    assert np.allclose(part.apply(x), operator.apply(x)[:, chosen], atol=1e-5)
    assert operator.outputs(np.arange(0)).bias.shape == (0,)


def test_centring_comes_back_through_the_bias() -> None:
    """Where 8 bits hold weight and inputs, centered and smoothed as they may be, the layer's outputs are exact."""
    grid, generator = binary_grid(48), np.random.default_rng(2)
    scaled = generator.integers(-127, 128, (48, 10)).astype(np.float32)
    scaled[0] = 127
    linear = Linear(scaled / (64 * grid.smooth[:, np.newaxis]), random(10))
    integers = generator.integers(-128, 128, (30, 48)).astype(np.float32)
    x = grid.center + grid.smooth * integers * np.float32(grid.step)
    white = replace(observe(x), covariance=np.diag(np.square(grid.smooth)))
    found = quantize_linear(linear, grid, white)
    assert np.array_equal(found.weight.values, scaled.astype(np.int8))
    assert np.any(np.abs(grid.center @ linear.weight) > 1)
    assert np.allclose(found.apply(x), exact(linear, x), atol=1e-3)
    assert np.allclose(found.bias, linear.bias + grid.center @ linear.weight, atol=1e-4)


@pytest.mark.parametrize("inputs", [32, 96])
def test_a_bias_takes_back_what_rounding_shifts(inputs: int) -> None:
    """The mean input yields the mean output, however the weight was rounded and wherever the grid is centered."""
    linear, statistics, grid = random_linear(inputs, 24), seen(inputs), binary_grid(inputs)
    found = quantize_linear(linear, grid, statistics)
    mean = grid.normalize(statistics.mean) @ found.weight.dense() + found.bias
    expected = exact(linear, statistics.mean)
    assert np.allclose(mean, expected, atol=1e-4 * np.abs(expected).max())
    unshifted = linear.bias + grid.center @ linear.weight
    assert np.abs(found.bias - unshifted).max() > 1e-3


def test_a_weight_is_rounded_for_the_smoothed_inputs() -> None:
    """GPTQ sees the covariance of what is multiplied with: it loses less than with that of the raw inputs."""
    linear, statistics = random_linear(64, 24), seen(64)
    smooth = ((statistics.highest - statistics.lowest) / 8).astype(np.float32)
    grid = PerTensorQuantizer(statistics.mean, smooth, 1e-6, 128)
    scaled = linear.weight * smooth[:, np.newaxis]
    inputs = grid.normalize(statistics.held_out)
    found = quantize_linear(linear, grid, statistics).weight.dense()
    scales = np.abs(scaled).max(axis=0) / np.float32(127)
    plain = (np.rint(scaled / scales) * scales).astype(np.float32)
    assert relative(inputs @ found, inputs @ scaled) < 0.75 * relative(inputs @ plain, inputs @ scaled)


def test_folding_lets_values_come_out_centered_and_smoothed() -> None:
    """Attention weights add up to 1, so mixing folded values is mixing them and then normalizing, to the last bits."""
    grid, qkv, x = binary_grid(32), random_linear(48, 96), random(20, 48)
    folded = fold_values(qkv, grid)
    plain, values = exact(qkv, x), exact(folded, x)[:, 64:]
    attention = np.abs(random(20, 20))
    attention /= attention.sum(axis=1, keepdims=True)
    assert np.array_equal(folded.weight[:, :64], qkv.weight[:, :64])
    assert np.array_equal(folded.bias[:64], qkv.bias[:64])
    assert np.array_equal(folded.weight[:, 64:], qkv.weight[:, 64:] / grid.smooth)
    assert np.allclose(values, grid.normalize(plain[:, 64:]), atol=1e-4)
    assert np.allclose(attention @ values, grid.normalize(attention @ plain[:, 64:]), atol=1e-4)
    assert np.array_equal(qkv.weight, random_linear(48, 96).weight)


@pytest.mark.parametrize("outliers", [0, 8, 40])
def test_wide_and_rounded_channels_make_up_the_layer(outliers: int) -> None:
    """Both parts add up to the layer's outputs, the bias once, and to its mean output exactly; GPTQ saw all inputs."""
    inputs, fc2 = 64, random_linear(64, 20)
    x = gelu(correlated(400, inputs))
    statistics = observe(x, gelu(correlated(100, inputs, seed=4)))
    choice = InnerChoice(np.argsort(-statistics.highest), outliers, PerTokenQuantizer(1.0))
    kept, rest = quantize_inner(fc2, choice, statistics)
    assert (kept.weight.shape, rest.weight.values.shape) == ((outliers, 20), (inputs - outliers, 20))
    assert not (rest.bias if outliers else kept.bias).any()
    mean = statistics.mean[choice.order]
    both = exact(kept, mean[:outliers]) + exact(Linear(rest.weight.dense(), rest.bias), mean[outliers:])
    expected = exact(fc2, statistics.mean)
    assert np.allclose(both, expected, atol=1e-4 * np.abs(expected).max())
    rows = np.concatenate([kept.weight, rest.weight.dense()]) - fc2.weight[choice.order]
    steps = rest.weight.scales * (np.arange(inputs) >= outliers)[:, np.newaxis]
    covariance = statistics.covariance[np.ix_(choice.order, choice.order)]
    plain = float((np.diagonal(covariance) @ np.square(steps)).sum() / 12)
    assert output_power(rows, covariance) < 0.5 * plain
    new = statistics.held_out[:, choice.order]
    found = exact(kept, new[:, :outliers]) + rest.apply(new[:, outliers:])
    assert relative(found, exact(fc2, statistics.held_out)) < 0.02


def test_every_linear_layer_is_reported_in_order(weights: EncoderWeights, quantized: StaticEncoder) -> None:
    """A report for each, with an error on held-out inputs that 8 bits can have, and the choices that were open."""
    places = [(report.layer, report.name) for report in quantized.reports]
    assert places == [(number, name) for number in range(len(weights.layers)) for name in LINEAR_INPUTS]
    assert all(1e-7 < report.error < 2e-3 for report in quantized.reports)
    for report in quantized.reports:
        if report.name == "fc2":
            assert (report.strength, report.end in FLOORS, report.outliers in OUTLIER_COUNTS) == (0, True, True)
        else:
            assert (report.strength in STRENGTHS, report.end in MARGINS, report.outliers) == (True, True, 0)


def test_attention_s_layers_stay_near_the_float32_ones(
    weights: EncoderWeights, quantized: StaticEncoder, statistics: Statistics
) -> None:
    """Query and key come out as they were, values normalized for the output projection, whose grid is folded."""
    dim = weights.dim
    for number, (layer, operators) in enumerate(zip(weights.layers, quantized.layers, strict=True)):
        qkv, output = operators.qkv, operators.attention_output
        assert (qkv.grid.folded, output.grid.folded) == (False, True)
        x, mixed = statistics[number, "qkv"].held_out, statistics[number, "attention_output"].held_out
        found, expected = qkv.apply(x), exact(layer.qkv, x)
        assert relative(found[:, : 2 * dim], expected[:, : 2 * dim]) < 0.03
        assert relative(found[:, 2 * dim :], output.grid.normalize(expected[:, 2 * dim :])) < 0.03
        assert relative(output.apply(mixed), exact(layer.attention_output, mixed)) < 0.03


def test_feed_forward_networks_stay_near_the_float32_ones(
    weights: EncoderWeights, quantized: StaticEncoder, statistics: Statistics
) -> None:
    """The parts' inner channels are all there are, and what they yield adds up to the network's outputs."""
    for number, (layer, operators) in enumerate(zip(weights.layers, quantized.layers, strict=True)):
        x = statistics[number, "fc1"].held_out
        inner, outliers = gelu(operators.first.apply(x)), len(operators.outliers.weight)
        assert inner.shape[1] == len(layer.fc2.weight) == outliers + len(operators.rest.weight.values)
        found = exact(operators.outliers, inner[:, :outliers]) + operators.rest.apply(inner[:, outliers:])
        assert relative(found, exact(layer.fc2, gelu(exact(layer.fc1, x)))) < 0.03
        assert outliers == next(
            each.outliers for each in quantized.reports if (each.layer, each.name) == (number, "fc2")
        )


def test_channels_that_feed_nothing_cost_no_part_of_their_own(weights: EncoderWeights, statistics: Statistics) -> None:
    """Where float32 for the largest channels gains nothing, the network is one rounded part that has the bias."""
    layer, seen_inner = weights.layers[0], statistics[0, "fc2"]
    order = np.argsort(-seen_inner.highest, kind="stable")
    largest, smallest = order[: max(OUTLIER_COUNTS)], order[-1:]
    fc2, held_out = Linear(layer.fc2.weight.copy(), layer.fc2.bias), seen_inner.held_out.copy()
    fc2.weight[largest], held_out[:, largest] = 0, held_out[:, smallest]
    changed = replace(weights, layers=(replace(layer, fc2=fc2),))
    quantized = quantize_static8(changed, {**statistics, (0, "fc2"): replace(seen_inner, held_out=held_out)})
    assert quantized.reports[-1].outliers == len(quantized.layers[0].outliers.weight) == 0
    assert relative(quantized.layers[0].rest.apply(held_out[:, order]), exact(fc2, held_out)) < 0.03
