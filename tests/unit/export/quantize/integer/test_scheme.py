"""Encoders in whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import erf

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_export.calibration.collect import InputStatistics
from biolord_export.checkpoint.weights import EncoderWeights, Linear
from biolord_export.graph.encoder import LINEAR_INPUTS
from biolord_export.kernels.layers import IntegerLinear
from biolord_export.quantize.integer.arithmetic import contract, expand, project, project_mixed
from biolord_export.quantize.integer.layer import quantize_inner, quantize_linear
from biolord_export.quantize.integer.scheme import INTEGER4, INTEGER8, quantize_integer4, quantize_integer8
from biolord_export.quantize.integer.weight import IntegerWeight, dense, round_weight8
from biolord_export.quantize.integer.weight4 import round_weight4
from biolord_export.quantize.report import Quantized
from biolord_export.quantize.smoothing import smooth
from unit.export.quantize.block_inputs import correlated, random_linear, relative, seen
from unit.export.quantize.observed import observe

Float32 = NDArray[np.float32]
Statistics = Mapping[tuple[int, str], InputStatistics]
WeightRounder = Callable[[Float32, Float32, Sequence[int] | None], tuple[IntegerWeight, ...]]
QUANTIZERS = {8: (quantize_integer8, INTEGER8), 4: (quantize_integer4, INTEGER4)}


@pytest.fixture(scope="module", params=[8, 4])
def bits(request: pytest.FixtureRequest) -> int:
    """Bits of the weights."""
    return int(request.param)


@pytest.fixture(scope="module")
def quantized(bits: int, weights: EncoderWeights, statistics: Statistics) -> Quantized:
    """It, quantized."""
    return QUANTIZERS[bits][0](weights, statistics)


@pytest.fixture
def near(bits: int) -> float:
    """How far from the exact outputs a layer's may lie."""
    return {8: 0.04, 4: 0.2}[bits]


def exact(linear: Linear, x: Float32) -> Float32:
    """Compute a layer in float32."""
    return x @ linear.weight + linear.bias


def gelu(x: Float32) -> Float32:
    """Compute a GELU."""
    return np.asarray(x * (1 + np.vectorize(erf)(x / np.sqrt(2))) / 2, dtype=np.float32)


def weight_of(linear: IntegerLinear) -> Float32:
    """Return the weight that is really multiplied with."""
    return dense(linear.values, linear.scale, linear.group_scales)


def test_every_linear_layer_is_reported_in_order(weights: EncoderWeights, quantized: Quantized, near: float) -> None:
    """A report for each, with an error on held-out inputs that so many bits can have."""
    places = [(report.layer, report.name) for report in quantized.reports]
    assert places == [(number, name) for number in range(len(weights.layers)) for name in LINEAR_INPUTS]
    assert all(1e-7 < report.error < near**2 for report in quantized.reports)


def test_strengths_are_those_of_the_scheme(quantized: Quantized, bits: int) -> None:
    """What was chosen is reported; a GELU's outputs aren't smoothed."""
    scheme = QUANTIZERS[bits][1]
    tried = {"qkv": scheme.qkv, "attention_output": scheme.mixed, "fc1": scheme.middle, "fc2": (0.0,)}
    assert all(report.strength in tried[report.name] for report in quantized.reports)


def test_the_encoder_has_the_shapes_that_the_operators_take(
    weights: EncoderWeights, quantized: Quantized, bits: int
) -> None:
    """The table in 8 bits with a scale for each 64 channels; layers of the checkpoint's widths."""
    encoder, dim = quantized.encoder, weights.dim
    assert (encoder.table.dtype, encoder.table.shape) == (np.dtype(np.int8), weights.word_embeddings.shape)
    assert encoder.table_scales.dtype == np.float32
    assert encoder.table_scales.shape == (len(encoder.table), dim // 64)
    found = encoder.table.astype(np.float32) * np.repeat(encoder.table_scales, 64, axis=1)
    assert relative(found, weights.word_embeddings) < 0.01
    assert len(encoder.layers) == len(weights.layers)
    for layer in encoder.layers:
        attention, feed_forward = layer.attention, layer.feed_forward
        linears = (attention.qkv, attention.output, feed_forward.first, *feed_forward.second)
        inner = len(weights.layers[0].fc2.weight)
        assert [linear.values.shape for linear in linears[:3]] == [(dim, 3 * dim), (dim, dim), (dim, inner)]
        assert {linear.values.shape[1] for linear in linears[3:]} == {dim}
        assert sum(len(linear.values) for linear in linears[3:]) == inner
        assert {numbers.dtype for linear in linears for numbers in (linear.scale, linear.bias)} == {
            np.dtype(np.float32)
        }
        assert [linear.group_scales is None for linear in linears] == [bits == 8] * len(linears)
        assert attention.smoothing.shape == feed_forward.smoothing.shape == (2, dim)
        assert attention.value_bits == {8: 16, 4: 8}[bits]


def test_attention_stays_near_the_float32_one(
    weights: EncoderWeights, quantized: Quantized, statistics: Statistics, near: float
) -> None:
    """Queries and keys come out; values as the output projection wants them, whose product is right."""
    dim = weights.dim
    for number, (layer, found) in enumerate(zip(weights.layers, quantized.encoder.layers, strict=True)):
        x = statistics[number, "qkv"].held_out
        projected, expected = project(found.attention, x), exact(layer.qkv, x)
        assert relative(projected[:, : 2 * dim], expected[:, : 2 * dim]) < near
        outer = project_mixed(found.attention, projected[:, 2 * dim :])
        assert relative(outer, exact(layer.attention_output, expected[:, 2 * dim :])) < 1.5 * near


def test_feed_forward_networks_stay_near_the_float32_ones(
    weights: EncoderWeights, quantized: Quantized, statistics: Statistics, near: float
) -> None:
    """From a layer's input to its output, whatever order its inner channels are in."""
    for number, (layer, found) in enumerate(zip(weights.layers, quantized.encoder.layers, strict=True)):
        x = statistics[number, "fc1"].held_out
        outer = contract(found.feed_forward, gelu(expand(found.feed_forward, x)))
        assert relative(outer, exact(layer.fc2, gelu(exact(layer.fc1, x)))) < 1.5 * near


def test_inner_channels_are_sorted_by_range(
    weights: EncoderWeights, quantized: Quantized, statistics: Statistics, near: float
) -> None:
    """Those of the first group reach furthest."""
    for number, found in enumerate(quantized.encoder.layers):
        order = np.argsort(-statistics[number, "fc2"].highest, kind="stable")
        x = statistics[number, "fc1"].held_out
        assert relative(expand(found.feed_forward, x), exact(weights.layers[number].fc1, x)[:, order]) < near


@pytest.mark.parametrize("round_weight", [round_weight8, round_weight4])
def test_a_bias_takes_back_what_rounding_shifts(round_weight: WeightRounder) -> None:
    """The mean input yields the mean output, however the weight was rounded and wherever inputs are centered."""
    linear, statistics = random_linear(96, 24), seen(96)
    smoothing = smooth(statistics, linear.weight, 0.7)
    found = quantize_linear(linear, smoothing, statistics, round_weight)
    expected = exact(linear, statistics.mean)
    mean = smoothing.apply(statistics.mean) @ weight_of(found) + found.bias
    assert np.allclose(mean, expected, atol=1e-4 * np.abs(expected).max())
    assert np.abs(found.bias - linear.bias - smoothing.center @ linear.weight).max() > 1e-3


def test_groups_of_inner_channels_make_up_the_layer() -> None:
    """All yield the layer's mean output together, the bias once; each group's scales fit its own weights."""
    fc2, x = random_linear(512, 20), gelu(correlated(400, 512))
    x[:, :10] *= 20
    statistics = observe(x)
    order = np.argsort(-statistics.highest)
    found = quantize_inner(fc2, order, statistics, round_weight8)
    widths = [len(linear.values) for linear in found]
    assert (widths[0], sum(widths)) == (64, 512)
    assert [linear.bias.any() for linear in found] == [True] + [False] * (len(found) - 1)
    means = np.split(statistics.mean[order], np.cumsum(widths)[:-1])
    both = sum(mean @ weight_of(linear) + linear.bias for mean, linear in zip(means, found, strict=True))
    expected = exact(fc2, statistics.mean)
    assert np.allclose(both, expected, atol=1e-4 * np.abs(expected).max())
