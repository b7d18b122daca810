"""The 4-bit block scheme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biolord_export.calibrate import InputStatistics
from biolord_export.errors import ExportError
from biolord_export.graph.builder import DATA_FILE
from biolord_export.graph.encoder import LINEAR_INPUTS, emit_encoder
from biolord_export.modules import Pooling
from biolord_export.quantise.block import BlockLinear
from biolord_export.quantise.block4 import BUDGET_BITS, LINEAR_BITS, BlockChoice, pick_eight, quantise_block4
from biolord_export.quantise.block8 import round_linear
from biolord_export.quantise.block_gptq import round_block4
from biolord_export.quantise.report import Quantised
from biolord_export.quantise.table4 import Int4Table
from biolord_export.weights import EncoderWeights
from unit.export.quantise.block_inputs import random_linear, seen

Statistics = Mapping[tuple[int, str], InputStatistics]


@pytest.fixture(scope="module")
def quantised(weights: EncoderWeights, statistics: Statistics) -> Quantised:
    """It, quantised."""
    return quantise_block4(weights, statistics)


def choice(layer: int, *, gain: float, inputs: int = 64) -> BlockChoice:
    """Make a choice whose 8 bits take away an error of ``gain`` for each byte."""
    linear = random_linear(inputs, 32)
    four = BlockLinear(round_block4(linear.weight, seen(inputs).covariance), linear.bias)
    eight = round_linear(linear)
    more = eight.weight.nbytes - four.weight.nbytes
    return BlockChoice((layer, "qkv"), four, eight, four_error=gain * more + 1, eight_error=1)


def test_every_linear_layer_is_reported_in_order(weights: EncoderWeights, quantised: Quantised) -> None:
    """A report for each, with an error on held-back inputs that 4 bits can have."""
    places = [(report.layer, report.name) for report in quantised.reports]
    assert places == [(number, name) for number in range(len(weights.layers)) for name in LINEAR_INPUTS]
    assert all(0 < report.error < 0.05 for report in quantised.reports)


def test_the_operators_fill_the_budget_and_keep_it(
    weights: EncoderWeights, quantised: Quantised, tmp_path: Path
) -> None:
    """Some layers have 8 bits, some 4, and the data file is no larger than the budget and what isn't quantised."""
    layers = quantised.operators.layers
    linears = [
        linear
        for layer in layers
        for part in layer.feed_forward
        for linear in (layer.qkv, layer.attention_output, part.first, part.second)
        if isinstance(linear, BlockLinear)
    ]
    assert len(linears) == 4 * len(weights.layers)
    assert {linear.weight.bits for linear in linears} == {4, 8}
    table = quantised.operators.table
    assert isinstance(table, Int4Table)
    spent = table.nbytes + sum(linear.weight.nbytes for linear in linears)
    values = weights.word_embeddings.size + sum(linear.weight.inputs * len(linear.bias) for linear in linears)
    assert 5 < spent * 8 / values <= BUDGET_BITS
    emit_encoder(weights, quantised.operators, Pooling("mean", normalize=False)).builder.save(tmp_path)
    assert (tmp_path / DATA_FILE).stat().st_size < spent + 100_000


def test_a_bias_takes_back_what_rounding_shifts(
    weights: EncoderWeights, quantised: Quantised, statistics: Statistics
) -> None:
    """The mean input yields the mean output, whichever way its weights were rounded."""
    for number, (layer, operators) in enumerate(zip(weights.layers, quantised.operators.layers, strict=True)):
        mean = statistics[number, "qkv"].mean
        assert isinstance(operators.qkv, BlockLinear)
        found = mean @ operators.qkv.weight.dense() + operators.qkv.bias
        assert np.allclose(found, mean @ layer.qkv.weight + layer.qkv.bias, atol=1e-4)


def test_a_large_table_does_not_pay_for_linear_layers_in_8_bits(
    weights: EncoderWeights, statistics: Statistics
) -> None:
    """A multilingual table's share of the budget would; the linear layers have a limit of their own."""
    large = replace(weights, word_embeddings=np.tile(weights.word_embeddings, (20, 1)))
    operators = quantise_block4(large, statistics).operators.layers
    linears = [
        linear
        for layer in operators
        for linear in (layer.qkv, layer.attention_output, layer.feed_forward[0].first, layer.feed_forward[0].second)
    ]
    spent = sum(linear.weight.nbytes for linear in linears if isinstance(linear, BlockLinear))
    values = sum(linear.weight.codes.size for linear in linears if isinstance(linear, BlockLinear))
    assert 5 < spent * 8 / values <= LINEAR_BITS


def test_token_vectors_that_no_block_fits_are_refused(weights: EncoderWeights) -> None:
    """A width that isn't a multiple of 32 ends in an error that names it and the target to use instead."""
    narrow = replace(weights, word_embeddings=weights.word_embeddings[:, :48])
    with pytest.raises(ExportError, match=r"48 channels, cpu-int4 needs a multiple of 32: use cpu-int8-block"):
        quantise_block4(narrow, {})


def test_eight_bits_go_where_a_byte_gains_most() -> None:
    """With room for one more layer in 8 bits, it is the one with the largest gain, wherever it stands."""
    choices = [choice(0, gain=1), choice(1, gain=3), choice(2, gain=2)]
    four = sum(each.four.weight.nbytes for each in choices)
    more = choices[0].bytes_more
    assert pick_eight(choices, four + more) == {(1, "qkv")}
    assert pick_eight(choices, four + 2 * more) == {(1, "qkv"), (2, "qkv")}


def test_a_layer_that_does_not_fit_leaves_room_to_smaller_ones() -> None:
    """What is left of the budget goes to the next best layer that fits."""
    choices = [choice(0, gain=3, inputs=128), choice(1, gain=2), choice(2, gain=1)]
    four = sum(each.four.weight.nbytes for each in choices)
    assert pick_eight(choices, four + choices[1].bytes_more) == {(1, "qkv")}


def test_a_budget_below_four_bits_keeps_all_layers_in_four() -> None:
    """Nothing is widened when even 4 bits are more than the budget."""
    assert pick_eight([choice(0, gain=1)], 0) == frozenset()
