"""Block weights: what onnxruntime makes of their layout, and what they take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto

from biolord_export.graph.builder import DATA_FILE, GraphBuilder
from biolord_export.quantise.block import BLOCK, BlockLinear, BlockWeight, pack_codes, round_inputs, split_blocks
from unit.export.quantise.block_inputs import random, relative, run_linear

ALIKE = 2e-6
"""float32 sums in another order."""
SHAPES = [(32, 8), (64, 24), (96, 5), (384, 40), (48, 7), (40, 33), (5, 3)]
"""Inputs and outputs; the last three leave a block unfilled, and 96 gives an odd number of blocks."""


def random_weight(bits: int, inputs: int, outputs: int, *, centred: bool) -> BlockWeight:
    """Make a weight of random codes."""
    generator = np.random.default_rng(bits)
    shape = (outputs, -(-inputs // BLOCK))
    zero_points = generator.integers(0, 2**bits, shape)
    return BlockWeight(
        bits=bits,
        inputs=inputs,
        codes=generator.integers(0, 2**bits, (*shape, BLOCK)).astype(np.uint8),
        scales=generator.uniform(0.5, 1.5, shape).astype(np.float32),
        zero_points=(np.full(shape, 2 ** (bits - 1)) if centred else zero_points).astype(np.uint8),
    )


def whole_inputs(tokens: int, inputs: int) -> NDArray[np.float32]:
    """Make inputs that 8 bits hold exactly: whole numbers, 127 the largest of every block."""
    x = np.random.default_rng(tokens).integers(-127, 128, (tokens, inputs)).astype(np.float32)
    x[:, ::BLOCK] = 127
    return x


@pytest.mark.parametrize("centred", [True, False], ids=["centred", "zero points"])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
@pytest.mark.parametrize("bits", [4, 8])
def test_the_packed_layout_is_what_onnxruntime_multiplies_with(
    bits: int, inputs: int, outputs: int, centred: bool
) -> None:
    """MatMulNBits of the emitted codes, scales and zero points is the product with the dense weight, bias included."""
    operator = BlockLinear(random_weight(bits, inputs, outputs, centred=centred), random(outputs))
    for tokens in (1, 3, 17):
        x = whole_inputs(tokens, inputs)
        expected = x @ operator.weight.dense() + operator.bias
        assert relative(run_linear(operator, x), expected) < ALIKE
        assert relative(operator.apply(x), expected) < ALIKE


@pytest.mark.parametrize("bits", [4, 8])
def test_inputs_are_rounded_as_the_kernel_does(bits: int) -> None:
    """``apply`` is what onnxruntime computes, unless this CPU has no integer kernel and inputs stay as they are."""
    operator = BlockLinear(random_weight(bits, 384, 40, centred=False), random(40))
    x = random(17, 384)
    found = run_linear(operator, x)
    exact = x @ operator.weight.dense() + operator.bias
    unrounded = relative(found, exact)
    assert unrounded < ALIKE or relative(found, operator.apply(x)) < 0.1 * unrounded


@pytest.mark.parametrize("bits", [4, 8])
def test_a_token_s_outputs_do_not_depend_on_the_others(bits: int) -> None:
    """Each row of a product is bit-equal to that row alone."""
    operator = BlockLinear(random_weight(bits, 96, 40, centred=False), random(40))
    x = random(35, 96)
    alone = np.concatenate([run_linear(operator, x[row : row + 1]) for row in (0, 16, 34)])
    assert np.array_equal(run_linear(operator, x)[[0, 16, 34]], alone)


def test_dense_reads_codes_block_by_block() -> None:
    """A code stands for its distance from the block's zero point, times the block's scale."""
    weight = BlockWeight(
        bits=4,
        inputs=33,
        codes=np.arange(64, dtype=np.uint8).reshape(1, 2, BLOCK) % 16,
        scales=np.array([[0.5, 2.0]], dtype=np.float32),
        zero_points=np.array([[8, 1]], dtype=np.uint8),
    )
    dense = weight.dense()
    assert dense.shape == (33, 1)
    assert dense[0, 0] == (0 - 8) * 0.5
    assert dense[31, 0] == (15 - 8) * 0.5
    assert dense[32, 0] == (0 - 1) * 2.0


@given(st.lists(st.integers(0, 15), min_size=1, max_size=9))
def test_four_bit_codes_are_packed_low_half_first(codes: list[int]) -> None:
    """Two codes share a byte, the first in its low half; an odd last one has 0 above it."""
    packed = pack_codes(np.array([codes], dtype=np.uint8), 4)
    assert packed.shape == (1, (len(codes) + 1) // 2)
    unpacked = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1)
    assert unpacked.tolist() == codes + [0] * (len(codes) % 2)


def test_eight_bit_codes_stay_as_they_are() -> None:
    """A byte a code."""
    codes = np.arange(256, dtype=np.uint8)
    assert np.array_equal(pack_codes(codes, 8), codes)


@pytest.mark.parametrize("centred", [True, False], ids=["centred", "zero points"])
@pytest.mark.parametrize("bits", [4, 8])
def test_nbytes_is_what_the_artefact_grows_by(bits: int, centred: bool, tmp_path: Path) -> None:
    """The stated size is that of the tensors in the data file."""
    weight = random_weight(bits, 4096, 64, centred=centred)
    graph = GraphBuilder("test")
    x = graph.input("x", TensorProto.FLOAT, ["tokens", 4096])
    value = weight.emit(graph, x, np.zeros(64, dtype=np.float32))
    graph.output("y", value, TensorProto.FLOAT, ["tokens", 64])
    graph.save(tmp_path)
    assert (tmp_path / DATA_FILE).stat().st_size == weight.nbytes


def test_blocks_are_cut_along_the_inputs_and_filled_up() -> None:
    """A row becomes its blocks in order; what a last block lacks is 0."""
    blocks = split_blocks(np.arange(40, dtype=np.float32)[np.newaxis] + 1)
    assert blocks.shape == (1, 2, BLOCK)
    assert blocks[0, 0].tolist() == list(range(1, 33))
    assert blocks[0, 1].tolist() == [*range(33, 41), *[0] * 24]


def test_inputs_are_rounded_with_a_scale_for_each_token_and_block() -> None:
    """A large channel coarsens its own block alone, and the largest value of a block is kept."""
    x = random(4, 64)
    x[2, 5] = 1000
    rounded = round_inputs(x)
    assert rounded[2, 5] == pytest.approx(1000)
    others = np.delete(np.arange(4), 2)
    assert np.abs(rounded[others] - x[others]).max() < 4 / 127
    assert np.abs(rounded[2, 32:] - x[2, 32:]).max() < 4 / 127
    assert np.count_nonzero(rounded[2, :32]) == 1


def test_a_token_of_zeros_is_rounded_to_zeros() -> None:
    """A block without any value divides by nothing that is 0."""
    assert not round_inputs(np.zeros((2, 40), dtype=np.float32)).any()
