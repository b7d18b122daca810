"""4 bits in blocks of 32, the linear layers that gain most from it in 8 bits: the smallest scheme.

The vectors of tokens are looked up in 4 bits, too. What rounding shifts on average goes back through the biases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.errors import ExportError
from biolord_export.graph.encoder import LINEAR_INPUTS
from biolord_export.graph.operators import EncoderOperators, FeedForwardPart, LayerOperators
from biolord_export.progress import track
from biolord_export.quantise.block import BLOCK, BlockLinear
from biolord_export.quantise.block8 import round_block8
from biolord_export.quantise.block_gptq import round_block4
from biolord_export.quantise.report import LinearReport, Quantised, measure_error
from biolord_export.quantise.table4 import round_table4

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biolord_export.calibrate import InputStatistics
    from biolord_export.quantise.block import BlockWeight
    from biolord_export.quantise.table4 import Int4Table
    from biolord_export.weights import EncoderWeights, Layer, Linear

BUDGET_BITS = 5.55
"""Bits that the linear layers and the token table may take for each of their weights; 4-bit blocks take 5.1."""
LINEAR_BITS = 5.7
"""Bits that the linear layers may take at most: a multilingual table is so large that its share would pay for 8."""

Place = tuple[int, str]


@dataclass(frozen=True)
class BlockChoice:
    """A linear layer in both formats, and what either costs on held-back inputs."""

    place: Place
    four: BlockLinear
    eight: BlockLinear
    four_error: float
    eight_error: float

    @property
    def bytes_more(self) -> int:
        """What 8 bits would add to an artefact."""
        return self.eight.weight.nbytes - self.four.weight.nbytes

    @property
    def gain(self) -> float:
        """Error taken away by each byte of 8 bits."""
        return (self.four_error - self.eight_error) / self.bytes_more


def quantise_block4(weights: EncoderWeights, statistics: Mapping[Place, InputStatistics]) -> Quantised:
    """Quantise an encoder with the statistics of its linear layers' inputs.

    Raises:
        ExportError: The token vectors can't be cut into blocks.
    """
    if weights.dim % BLOCK:
        raise ExportError(
            f"token vectors have {weights.dim} channels, cpu-int4 needs a multiple of {BLOCK}: use cpu-int8-block"
        )
    table = round_table4(weights.word_embeddings)
    linears = _linears(weights.layers)
    choices = [_round_both(place, linears[place], statistics[place]) for place in track(list(linears), "quantising")]
    wide = pick_eight(choices, _budget(table, sum(linear.weight.size for linear in linears.values())))
    picked = {choice.place: choice.eight if choice.place in wide else choice.four for choice in choices}
    layers = tuple(_layer_operators(number, picked) for number in range(len(weights.layers)))
    reports = tuple(_report(choice, choice.place in wide) for choice in choices)
    return Quantised(EncoderOperators(table, layers), reports)


def _budget(table: Int4Table, count: int) -> int:
    """Return the bytes for linear layers of so many weights."""
    left = int((table.codes.size + count) * BUDGET_BITS / 8) - table.nbytes
    return min(left, int(count * LINEAR_BITS / 8))


def pick_eight(choices: Sequence[BlockChoice], budget: int) -> frozenset[Place]:
    """Name the linear layers to keep in 8 bits within a number of bytes, those that gain most by the byte first."""
    left = budget - sum(choice.four.weight.nbytes for choice in choices)
    picked = []
    for choice in sorted(choices, key=lambda choice: -choice.gain):
        if choice.bytes_more <= left:
            picked.append(choice.place)
            left -= choice.bytes_more
    return frozenset(picked)


def _linears(layers: Sequence[Layer]) -> dict[Place, Linear]:
    return {
        (number, name): linear
        for number, layer in enumerate(layers)
        for name, linear in zip(LINEAR_INPUTS, (layer.qkv, layer.attention_output, layer.fc1, layer.fc2), strict=True)
    }


def _round_both(place: Place, linear: Linear, seen: InputStatistics) -> BlockChoice:
    four = _restore_mean(linear, round_block4(linear.weight, seen.covariance), seen)
    eight = _restore_mean(linear, round_block8(linear.weight), seen)
    errors = [measure_error(operator.apply, linear, seen) for operator in (four, eight)]
    return BlockChoice(place, four, eight, *errors)


def _restore_mean(linear: Linear, rounded: BlockWeight, seen: InputStatistics) -> BlockLinear:
    return BlockLinear(rounded, linear.bias + seen.mean @ (linear.weight - rounded.dense()))


def _layer_operators(number: int, picked: Mapping[Place, BlockLinear]) -> LayerOperators:
    qkv, attention_output, fc1, fc2 = (picked[number, name] for name in LINEAR_INPUTS)
    return LayerOperators(qkv, attention_output, (FeedForwardPart(fc1, fc2),))


def _report(choice: BlockChoice, eight: bool) -> LinearReport:
    number, name = choice.place
    error = choice.eight_error if eight else choice.four_error
    return LinearReport(number, name, error, strength=0.0, end=0.0, wide=0)
