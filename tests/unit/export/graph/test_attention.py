"""Attention over packed tokens against the definition, text by text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto

from biolord_export.checkpoint.weights import EncoderWeights, Layer, Linear
from biolord_export.graph.attention import emit_attentions
from biolord_export.graph.builder import GraphBuilder
from biolord_export.graph.packing import emit_packing
from parity.reference import attention
from unit.export.graph.running import evaluate, prefix_mask

RAGGED = [[1], [7], [5, 5, 5], [9, 2, 6, 1], [1, 64]]
EXACT = 2e-6


def passing(weights: EncoderWeights) -> Layer:
    """Make the layers beside attention yield what they are given."""
    dim = weights.dim
    nothing = np.zeros(3 * dim, np.float32)
    whole, third = (Linear(np.eye(size, dtype=np.float32), nothing[:size]) for size in (3 * dim, dim))
    return replace(weights.layers[0], qkv=whole, attention_output=third)


def run(weights: EncoderWeights, qkv: NDArray[np.float32], lengths: list[int], sequence: int) -> NDArray[np.float32]:
    """Attend within each text of a batch padded to a length: float32 [tokens, dim]."""
    graph = GraphBuilder("test")
    mask = graph.input("attention_mask", TensorProto.INT64, ["batch", "sequence"])
    tokens = graph.input("qkv", TensorProto.FLOAT, ["tokens", 3 * weights.dim])
    attention = emit_attentions(graph, weights, emit_packing(graph, mask))[0]
    attended, mixed = attention.emit(graph, tokens, passing(weights))
    found, padded = evaluate(graph, {"attention_mask": prefix_mask(lengths, sequence), "qkv": qkv}, attended, mixed)
    assert padded.shape == (len(lengths) * sequence, weights.dim)
    return np.asarray(found, dtype=np.float32)


def expected(weights: EncoderWeights, qkv: NDArray[np.float32], lengths: list[int]) -> NDArray[np.float64]:
    """The same by the definition, each text on its own."""
    parts = []
    for text in np.split(qkv.astype(np.float64), np.cumsum(lengths)[:-1]):
        query, key, value = np.split(text, 3, axis=1)
        parts.append(attention(query, key, value, weights.heads, bias(weights, len(text))))
    return np.concatenate(parts)


def bias(weights: EncoderWeights, tokens: int) -> NDArray[np.float64] | float:
    """Look the bias of every pair up in the weights' table, number by number."""
    if weights.relative_bias is None:
        return 0.0
    table, middle = weights.relative_bias, weights.max_positions - 1
    rows = [[table[:, middle + key - query] for key in range(tokens)] for query in range(tokens)]
    return np.asarray(rows, dtype=np.float64).transpose(2, 0, 1)


def random_qkv(weights: EncoderWeights, lengths: list[int], scale: float = 1.0) -> NDArray[np.float32]:
    """Random query, key and value of every token."""
    shape = (sum(lengths), 3 * weights.dim)
    return (np.random.default_rng(3).normal(size=shape) * scale).astype(np.float32)


@pytest.mark.parametrize("lengths", RAGGED)
@pytest.mark.parametrize("architecture", ["mpnet", "bert"])
def test_attention_is_the_definition(architecture: str, lengths: list[int], request: pytest.FixtureRequest) -> None:
    """With and without bias, alone and in ragged batches: tokens attend to their own text and no other place."""
    weights = request.getfixturevalue(architecture)
    qkv = random_qkv(weights, lengths)
    found = run(weights, qkv, lengths, max(lengths))
    np.testing.assert_allclose(found, expected(weights, qkv, lengths), atol=EXACT)


def test_the_bias_depends_on_direction(mpnet: EncoderWeights) -> None:
    """Where query and key are alike everywhere, the bias alone decides: the first and last token see mirror images."""
    columns = np.arange(2 * mpnet.max_positions - 1, dtype=np.float32)
    slanted = replace(mpnet, relative_bias=np.tile(columns / 8, (mpnet.heads, 1)))
    qkv = random_qkv(slanted, [6])
    qkv[:, : 2 * slanted.dim] = 0
    found = run(slanted, qkv, [6], 6)
    np.testing.assert_allclose(found, expected(slanted, qkv, [6]), atol=EXACT)
    weights = np.exp(np.arange(6) / 8)
    values = qkv[:, 2 * slanted.dim :]
    np.testing.assert_allclose(found[0], weights / weights.sum() @ values, atol=EXACT)


def test_large_scores_do_not_overflow(mpnet: EncoderWeights) -> None:
    """Scores of hundreds, as outlier channels give, leave finite weights."""
    qkv = random_qkv(mpnet, [5, 3], scale=20)
    found = run(mpnet, qkv, [5, 3], 5)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected(mpnet, qkv, [5, 3]), atol=1e-3)


def test_padding_has_no_weight_even_beside_very_low_scores(bert: EncoderWeights) -> None:
    """The mask is more than a handicap: real keys win over padding however bad their scores are."""
    qkv = np.zeros((3, 3 * bert.dim), np.float32)
    qkv[0, : bert.dim], qkv[0, bert.dim : 2 * bert.dim] = 8, -8
    qkv[0, 2 * bert.dim :] = 1
    found = run(bert, qkv, [1, 2], 64)
    np.testing.assert_array_equal(found[0], np.ones(bert.dim, np.float32))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(0, 12))
def test_other_texts_and_padding_leave_no_trace(mpnet: EncoderWeights, lengths: list[int], extra: int) -> None:
    """The first text of any batch gets what it gets alone, to the last bits."""
    qkv = random_qkv(mpnet, lengths)
    first = lengths[0]
    alone = run(mpnet, qkv[:first], [first], first)
    together = run(mpnet, qkv, lengths, max(lengths) + extra)
    np.testing.assert_allclose(together[:first], alone, rtol=0, atol=1e-6)
