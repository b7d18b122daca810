"""Pooling and normalization against numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto

from biolord_export.checkpoint.head.dense import ACTIVATIONS, Dense
from biolord_export.checkpoint.head.pooling import POOLING_MODES, Normalize, Pooling
from biolord_export.checkpoint.weights import Linear
from biolord_export.graph import activations
from biolord_export.graph.builder import GraphBuilder
from biolord_export.graph.packing import emit_packing
from biolord_export.graph.padded import POOLINGS, emit_padded
from biolord_export.graph.pooling import SUM_BLOCK, emit_dense, emit_unit, emit_unpacked, emit_vectors
from parity.reference import activate, pool, unit
from unit.export.graph.running import evaluate, prefix_mask

DIM = 64
Feed = dict[str, NDArray[np.generic]]
RAGGED = [[1], [6], [4, 4], [1, 9, 3], [8, 16, 15], [7, 1, 1, 30]]


def run(mode: str, hidden: NDArray[np.float32], lengths: list[int], sequence: int) -> NDArray[np.float32]:
    """Pool packed token vectors of a batch padded to a length: float32 [batch, dim]."""
    graph = GraphBuilder("test")
    mask = graph.input("attention_mask", TensorProto.INT64, ["batch", "sequence"])
    tokens = graph.input("hidden", TensorProto.FLOAT, ["tokens", DIM])
    pooled = POOLINGS[mode](graph, emit_padded(graph, *emit_unpacked(graph, tokens, emit_packing(graph, mask), mask)))
    (found,) = evaluate(graph, {"attention_mask": prefix_mask(lengths, sequence), "hidden": hidden}, pooled)
    return np.asarray(found, dtype=np.float32)


def scaled(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale vectors to length 1 in the graph."""
    graph = GraphBuilder("test")
    value = emit_unit(graph, graph.input("x", TensorProto.FLOAT, ["batch", DIM]))
    return np.asarray(evaluate(graph, {"x": vectors}, value)[0], dtype=np.float32)


def random_hidden(lengths: list[int]) -> NDArray[np.float32]:
    """Random vectors of every token."""
    return np.random.default_rng(5).normal(size=(sum(lengths), DIM)).astype(np.float32)


def test_every_mode_of_a_module_list_can_be_written() -> None:
    """What the module list lets pass, the graph has, and the other way round."""
    assert set(POOLINGS) == set(POOLING_MODES)
    assert set(activations.ACTIVATIONS) == set(ACTIVATIONS)


@pytest.mark.parametrize("mode", POOLING_MODES)
@pytest.mark.parametrize("lengths", RAGGED)
def test_pooling_is_the_definition(mode: str, lengths: list[int]) -> None:
    """Each text is pooled over its own tokens, whatever pads it."""
    hidden = random_hidden(lengths)
    texts = np.split(hidden.astype(np.float64), np.cumsum(lengths)[:-1])
    found = run(mode, hidden, lengths, max(lengths))
    assert found.shape == (len(lengths), DIM)
    np.testing.assert_allclose(found, [pool(text, mode) for text in texts], atol=1e-6)


@pytest.mark.parametrize("length", range(1, 2 * SUM_BLOCK + 2))
def test_the_mean_of_a_text_is_the_same_bits_behind_any_padding(length: int) -> None:
    """Not only nearly: sums over 7 and over 10 places would differ if they weren't filled up to whole blocks."""
    hidden = random_hidden([length, 40])
    alone = run("mean", hidden[:length], [length], length)
    for sequence in (length, length + 1, length + 3, 33):
        np.testing.assert_array_equal(run("mean", hidden[:length], [length], sequence), alone)
    np.testing.assert_array_equal(run("mean", hidden, [length, 40], 40)[:1], alone)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 9), st.sampled_from(POOLING_MODES))
def test_a_texts_vector_depends_on_no_other_text(lengths: list[int], extra: int, mode: str) -> None:
    """In any batch every text gets the bits that it gets alone."""
    hidden = random_hidden(lengths)
    together = run(mode, hidden, lengths, max(lengths) + extra)
    starts = np.cumsum([0, *lengths])
    for row, (start, length) in enumerate(zip(starts, lengths, strict=False)):
        alone = run(mode, hidden[start : start + length], [length], length)
        np.testing.assert_array_equal(together[row : row + 1], alone)


@pytest.mark.parametrize("mode", POOLING_MODES)
def test_leading_tokens_are_left_out(mode: str) -> None:
    """Those of a prompt, of every text; places still count from the text's beginning."""
    lengths, skipped = [3, 9, 5], 2
    hidden = random_hidden(lengths)
    graph = GraphBuilder("test")
    mask = graph.input("attention_mask", TensorProto.INT64, ["batch", "sequence"])
    tokens = graph.input("hidden", TensorProto.FLOAT, ["tokens", DIM])
    unpacked = emit_unpacked(graph, tokens, emit_packing(graph, mask), mask)
    emit_vectors(graph, *unpacked, Pooling(mode, normalize=False, include_prompt=False), DIM)
    feed: Feed = {"attention_mask": prefix_mask(lengths, 9), "hidden": hidden, "skipped_tokens": np.array([skipped])}
    (found,) = evaluate(graph, feed, "sentence_embedding")
    texts = np.split(hidden.astype(np.float64), np.cumsum(lengths)[:-1])
    np.testing.assert_allclose(found, [pool(text, mode, skipped) for text in texts], atol=1e-6)


def random_dense(activation: str, inputs: int, outputs: int, place: Path) -> Dense:
    """A layer with seeded weights."""
    random = np.random.default_rng(8)
    weight = random.normal(0, 1, (inputs, outputs)).astype(np.float32)
    return Dense(Linear(weight, random.normal(0, 1, outputs).astype(np.float32)), activation, place)


def test_the_modules_behind_the_pooling_run_in_their_order(tmp_path: Path) -> None:
    """Joined poolings, a layer, length 1, another layer, length 1 and a cut; both outputs."""
    first, second = random_dense("ReLU", 2 * DIM, 20, tmp_path), random_dense("Identity", 20, 9, tmp_path)
    pooling = Pooling("cls+max", normalize=True, steps=(first, Normalize(), second), cut=4)
    hidden = np.random.default_rng(2).normal(size=(2, 3, DIM)).astype(np.float32)
    graph = GraphBuilder("test")
    names = (graph.input("x", TensorProto.FLOAT, ["b", "s", DIM]), graph.input("m", TensorProto.INT64, ["b", "s"]))
    emit_vectors(graph, *names, pooling, DIM)
    feed: Feed = {"x": hidden, "m": np.ones((2, 3), np.int64)}
    sentence, length_1 = evaluate(graph, feed, "sentence_embedding", "unit_embedding")
    wide = hidden.astype(np.float64)
    pooled = np.concatenate([wide[:, 0], wide.max(axis=1)], axis=1)
    middle = np.maximum(pooled @ first.linear.weight + first.linear.bias, 0)
    middle = np.stack([unit(row) for row in middle]) @ second.linear.weight + second.linear.bias
    expected = np.stack([unit(row) for row in middle])[:, :4]
    assert pooling.width(DIM) == 4
    np.testing.assert_allclose(sentence, expected, atol=1e-5)
    np.testing.assert_allclose(length_1, [unit(row) for row in expected], atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_is_the_definition(activation: str, tmp_path: Path) -> None:
    """On both sides of zero, near it and far off."""
    points = np.concatenate([np.linspace(-9, 9, 145), [-80, -20, -1e-4, 1e-4, 20, 80]]).astype(np.float32)[:, None]
    graph = GraphBuilder("test")
    dense = Dense(Linear(np.ones((1, 1), np.float32), np.zeros(1, np.float32)), activation, tmp_path)
    value = emit_dense(graph, graph.input("x", TensorProto.FLOAT, ["n", 1]), dense)
    (found,) = evaluate(graph, {"x": points}, value)
    np.testing.assert_allclose(found, activate(activation, points.astype(np.float64)), atol=2e-6, rtol=2e-6)


def test_unit_vectors_have_length_1_and_the_same_direction() -> None:
    """Long and short vectors are scaled alike."""
    vectors = random_hidden([5]) * np.array([[1e-6], [1e-3], [1], [1e3], [1e6]], np.float32)
    found = scaled(vectors)
    np.testing.assert_allclose(np.linalg.norm(found.astype(np.float64), axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found, [unit(vector) for vector in vectors.astype(np.float64)], atol=1e-6)


def test_a_vector_of_zeros_stays_one() -> None:
    """It has no direction; it is not made NaN."""
    np.testing.assert_array_equal(scaled(np.zeros((2, DIM), np.float32)), np.zeros((2, DIM), np.float32))


def test_a_vector_below_the_floor_is_divided_by_the_floor() -> None:
    """As torch's normalize does: what is shorter than 1e-12 doesn't reach length 1."""
    tiny = np.zeros((1, DIM), np.float32)
    tiny[0, 3] = 1e-12 / 4
    assert scaled(tiny)[0, 3] == pytest.approx(0.25)
