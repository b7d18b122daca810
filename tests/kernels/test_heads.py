"""What follows the last layer: every pooling, linear layers with every activation, and length 1; bits and values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolord_export.checkpoint.head.dense import ACTIVATIONS
from biolord_export.checkpoint.head.pooling import POOLING_MODES
from kernels.heads import dense_model, pool_model, unit_model
from kernels.running import Array, assert_same_bits, hidden_feed, open_session, run
from kernels.test_hostile import Refused
from parity.reference import activate, pool, unit

POINTS = np.concatenate([np.linspace(-9, 9, 289), [-90, -20, -1e-4, 1e-4, 20, 90]]).astype(np.float32)[:, None]
ERROR = {"GELU": 2e-5}
"""Of the polynomial that GELU is; others are exact but for rounding."""


def texts_of(feed: dict[str, Array]) -> list[Array]:
    """Cut hidden rows into texts, in double precision."""
    return np.split(feed["hidden"].astype(np.float64), feed["starts"][1:-1])


@pytest.mark.parametrize("skipped", [0, 2])
@pytest.mark.parametrize("mode", POOLING_MODES)
def test_a_pooling_is_the_definition(mode: str, skipped: int) -> None:
    """Over a text's own tokens, but for leading ones that are left out."""
    feed = hidden_feed([3, 33, 8], 192)
    model = pool_model(POOLING_MODES.index(mode), skips=skipped > 0)
    sentence, length_1 = run(open_session(model, "plain"), {**feed, "skipped": np.array([skipped])})
    expected = np.stack([pool(text, mode, skipped) for text in texts_of(feed)])
    np.testing.assert_allclose(sentence, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(length_1, [unit(vector) for vector in expected], atol=1e-6)


@pytest.mark.parametrize("skipped", [-1, 3, 2**40])
def test_a_text_of_which_nothing_would_be_pooled_is_refused(skipped: int) -> None:
    """And so is a negative number of tokens."""
    session = open_session(pool_model(0, skips=True), "plain")
    with pytest.raises(Refused) as caught:
        run(session, {**hidden_feed([5, 3], 64), "skipped": np.array([skipped])})
    assert f"input skipped is {skipped}, text {1 if skipped == 3 else 0} has" in str(caught.value)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_is_the_definition(activation: str) -> None:
    """On both sides of zero, near it and far off."""
    model = dense_model(np.ones((1, 1), np.float32), np.zeros(1, np.float32), ACTIVATIONS.index(activation))
    (found,) = run(open_session(model, "plain"), {"vectors": POINTS})
    expected = activate(activation, POINTS.astype(np.float64))
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=ERROR.get(activation, 2e-6))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_layer_is_the_definition_and_gives_the_bits_of_the_plain_kind(kind: str, data: st.DataObject) -> None:
    """Any widths and numbers of texts; each text's vector is that which it gets alone."""
    inputs, outputs, rows = (data.draw(st.integers(1, most)) for most in (70, 70, 11))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    weight = random.normal(0, 1, (inputs, outputs)).astype(np.float32)
    bias = random.normal(0, 1, outputs).astype(np.float32)
    feed = {"vectors": random.normal(0, 1, (rows, inputs)).astype(np.float32)}
    activation = data.draw(st.sampled_from(ACTIVATIONS))
    model = dense_model(weight, bias, ACTIVATIONS.index(activation))
    assert_same_bits(model, kind, feed)
    session = open_session(model, kind)
    (found,) = run(session, feed)
    exact = activate(activation, feed["vectors"].astype(np.float64) @ weight + bias)
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-4)
    for row, vector in zip(feed["vectors"], found, strict=True):
        assert run(session, {"vectors": row[None]})[0].tobytes() == vector.tobytes()


@pytest.mark.parametrize("width", [1, 7, 16, 33, 768])
def test_length_1_of_any_width_in_the_bits_of_the_plain_kind(kind: str, width: int) -> None:
    """Zeros stay zeros."""
    vectors = np.random.default_rng(width).normal(0, 3, (5, width)).astype(np.float32)
    vectors[3] = 0
    assert_same_bits(unit_model(), kind, {"vectors": vectors})
    (found,) = run(open_session(unit_model(), kind), {"vectors": vectors})
    np.testing.assert_allclose(found, [unit(row) for row in vectors.astype(np.float64)], atol=1e-6)


@pytest.mark.parametrize("mode", range(len(POOLING_MODES)))
def test_a_pooling_gives_the_bits_of_the_plain_kind(kind: str, mode: int) -> None:
    """With tokens left out, too."""
    feed = {**hidden_feed([3, 33, 8], 192), "skipped": np.array([1])}
    for skips in (False, True):
        assert_same_bits(pool_model(mode, skips=skips), kind, feed)


@pytest.mark.parametrize(
    ("shape", "width", "problem"),
    [
        ((4, 20), 0, "attribute width is 0, expected 1 to 65536"),
        ((4, 20), 33, "packed has shape [2, 4, 16], expected [3, any, 16]"),
        ((70_000, 16), 16, "input packed has 70000 inputs, expected 1 to 65536"),
    ],
)
def test_a_layer_of_other_sizes_is_refused(shape: tuple[int, int], width: int, problem: str) -> None:
    """Before anything is read."""
    model = dense_model(np.ones(shape, np.float32), np.ones(shape[1], np.float32), stated=width)
    with pytest.raises(Refused) as caught:
        open_session(model, "plain")
    assert problem in str(caught.value)


def test_vectors_of_another_width_are_refused() -> None:
    """As onnxruntime doesn't know what the operator takes."""
    session = open_session(dense_model(np.ones((4, 20), np.float32), np.ones(20, np.float32)), "plain")
    with pytest.raises(Refused) as caught:
        run(session, {"vectors": np.ones((2, 5), np.float32)})
    assert "vectors has shape [2, 5], expected [any, 4]" in str(caught.value)
