"""How a quantized layer's error is measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_export.calibration.collect import InputStatistics
from biolord_export.checkpoint.weights import Linear
from biolord_export.quantize.report import measure_error
from unit.export.quantize.block_inputs import random, random_linear
from unit.export.quantize.observed import observe

Float32 = NDArray[np.float32]


@pytest.fixture
def linear() -> Linear:
    """A linear layer whose outputs lie far from 0."""
    plain = random_linear(12, 7)
    return Linear(plain.weight, plain.bias + 20)


@pytest.fixture
def inputs() -> InputStatistics:
    """Statistics whose held-out inputs aren't those that were fitted to."""
    return observe(random(30, 12) * 9 + 5, held_out=random(50, 12, seed=8))


def output(linear: Linear, x: Float32) -> Float32:
    """Compute a layer exactly."""
    return x @ linear.weight + linear.bias


def test_an_exact_layer_has_no_error(linear: Linear, inputs: InputStatistics) -> None:
    """What differs in nothing loses no power."""
    assert measure_error(lambda x: output(linear, x), linear, inputs) == 0


def test_a_layer_that_always_yields_the_mean_loses_all(linear: Linear, inputs: InputStatistics) -> None:
    """The signal is what varies between tokens; an output's mean, which a bias could give, is no part of it."""
    mean = output(linear, inputs.held_out).mean(axis=0)
    error = measure_error(lambda x: np.broadcast_to(mean, (len(x), 7)), linear, inputs)
    assert error == pytest.approx(1, rel=1e-5)


def test_a_shift_of_all_outputs_counts_as_error(linear: Linear, inputs: InputStatistics) -> None:
    """The means aren't taken out of the error: a lost bias shows."""
    exact = output(linear, inputs.held_out)
    error = measure_error(lambda x: output(linear, x) + np.float32(0.5), linear, inputs)
    assert error == pytest.approx(exact.size * 0.5**2 / float(exact.var(axis=0).sum() * len(exact)), rel=1e-3)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.01, 3), st.floats(0.001, 1000))
def test_an_error_is_a_share_of_power_whatever_the_size(share: float, size: float) -> None:
    """An error of so many times the signal's deviation has that share squared; the outputs' unit doesn't matter."""
    plain, seen = random_linear(6, 5), observe(random(40, 6))
    linear = Linear(plain.weight * np.float32(size), plain.bias * np.float32(size))
    exact = output(linear, seen.held_out)
    noise = (exact - exact.mean(axis=0))[::-1] * np.float32(share)
    assert measure_error(lambda x: output(linear, x) + noise, linear, seen) == pytest.approx(share**2, rel=1e-2)


def test_only_held_out_inputs_are_looked_at(linear: Linear, inputs: InputStatistics) -> None:
    """Nothing that took part in fitting changes the figure, and the layer is run on the held-out inputs."""
    given_inputs: list[Float32] = []

    def apply(x: Float32) -> Float32:
        given_inputs.append(x)
        return output(linear, x) * np.float32(1.01)

    error = measure_error(apply, linear, inputs)
    fitted = replace(inputs, count=1, mean=inputs.mean * 0, covariance=inputs.covariance * 0, lowest=inputs.highest)
    assert measure_error(apply, linear, fitted) == error > 0
    assert measure_error(apply, linear, replace(inputs, held_out=inputs.held_out[:25])) != error
    assert all(x is inputs.held_out for x in given_inputs[:2])


def test_outputs_that_never_vary_do_not_divide_by_zero() -> None:
    """A layer that ignores its inputs has no signal: without an error the share is 0, with one it is huge."""
    linear = Linear(np.zeros((4, 3), np.float32), np.ones(3, np.float32))
    inputs = observe(random(10, 4))
    assert measure_error(lambda x: output(linear, x), linear, inputs) == 0
    assert measure_error(lambda x: output(linear, x) + 1, linear, inputs) > 1e30
