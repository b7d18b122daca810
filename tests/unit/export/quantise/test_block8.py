"""The 8-bit block scheme."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_export.architectures import read_weights
from biolord_export.config import read_encoder_config
from biolord_export.quantise.block import BLOCK
from biolord_export.quantise.block8 import quantise_block8, round_block8, round_linear
from biolord_export.quantise.tables import Int8Table
from unit.export.quantise.block_inputs import random, random_linear, relative, run_linear


@given(st.integers(1, 70), st.integers(1, 9), st.floats(1e-20, 1e20))
def test_every_weight_is_rounded_to_the_nearest_step(inputs: int, outputs: int, size: float) -> None:
    """No weight is off by more than half a step of its block, whatever the block's size."""
    weight = random(inputs, outputs) * np.float32(size)
    rounded = round_block8(weight)
    step = np.repeat(rounded.scales.T, BLOCK, axis=0)[:inputs]
    assert (np.abs(rounded.dense() - weight) <= step * 0.5001).all()
    assert rounded.scales.shape == (outputs, -(-inputs // BLOCK))


def test_a_block_of_zeros_stays_zero() -> None:
    """Weights that are all 0 give scales that can be divided by, and 0 again."""
    rounded = round_block8(np.zeros((64, 3), dtype=np.float32))
    assert (rounded.scales > 0).all()
    assert not rounded.dense().any()


def test_a_one_sided_block_gets_finer_steps() -> None:
    """The range ends at 0 where no weight lies beyond it, so that 255 steps serve one side; 0 itself stays exact."""
    weight = np.abs(random(64, 4))
    weight[3] = 0
    for rounded in (round_block8(weight), round_block8(-weight)):
        assert np.allclose(rounded.scales.T, weight.reshape(2, 32, 4).max(axis=1) / 255)
        assert not rounded.dense()[3].any()


@pytest.mark.parametrize(("inputs", "outputs"), [(64, 48), (384, 100), (50, 20)])
def test_a_linear_layer_keeps_its_outputs(inputs: int, outputs: int) -> None:
    """Weights and inputs in 8 bits cost less than a hundredth of the output."""
    linear = random_linear(inputs, outputs)
    x = random(9, inputs)
    assert relative(run_linear(round_linear(linear), x), x @ linear.weight + linear.bias) < 0.01


@pytest.mark.parametrize("architecture", ["mpnet", "bert"])
def test_an_encoder_needs_no_statistics(architecture: str, request: pytest.FixtureRequest) -> None:
    """Every linear layer is rounded without calibration, the table has 8 bits, and there is nothing to report."""
    folder = request.getfixturevalue(f"tiny_{architecture}")
    weights = read_weights(read_encoder_config(folder), folder / "model.safetensors")
    quantised = quantise_block8(weights, {})
    assert isinstance(quantised.operators.table, Int8Table)
    assert quantised.reports == ()
    x = random(5, weights.dim)
    for layer, operators in zip(weights.layers, quantised.operators.layers, strict=True):
        expected = x @ layer.qkv.weight + layer.qkv.bias
        assert relative(run_linear(operators.qkv, x), expected) < 0.01
        assert len(operators.feed_forward) == 1
