"""Embeddings: which row of the position table a token gets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from biolord_export.checkpoint.weights import EncoderWeights
from biolord_export.graph.builder import GraphBuilder
from biolord_export.graph.embeddings import emit_embeddings
from biolord_export.graph.packing import emit_packing
from parity.reference import layer_norm
from unit.export.graph.running import evaluate

PAD = 1


def run(weights: EncoderWeights, rows: list[list[int]], extra: int = 0) -> NDArray[np.float32]:
    """Embed a batch of texts, padded to the longest and some places more: float32 [tokens, dim]."""
    width = max(map(len, rows)) + extra
    ids = np.full((len(rows), width), weights.pad_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(rows):
        ids[row, : len(text)], mask[row, : len(text)] = text, 1
    graph = GraphBuilder("test")
    input_ids = graph.input("input_ids", TensorProto.INT64, ["batch", "sequence"])
    packing = emit_packing(graph, graph.input("attention_mask", TensorProto.INT64, ["batch", "sequence"]))
    value = emit_embeddings(graph, weights, packing, input_ids)
    (found,) = evaluate(graph, {"input_ids": ids, "attention_mask": mask}, value)
    return np.asarray(found, dtype=np.float32)


def expected(weights: EncoderWeights, ids: list[int], places: list[int]) -> NDArray[np.float64]:
    """Token rows plus position rows, normalized."""
    total = weights.word_embeddings[ids].astype(np.float64) + weights.position_embeddings[places]
    norm = weights.embedding_norm
    return layer_norm(total, norm.weight.astype(np.float64), norm.bias.astype(np.float64), norm.epsilon)


@pytest.mark.parametrize(
    ("ids", "places"),
    [
        ([0, 9, 8, 7, 2], [2, 3, 4, 5, 6]),
        ([0, PAD, 9, 2], [2, 1, 3, 4]),
        ([0, 9, PAD, PAD, 8, 2], [2, 3, 1, 1, 4, 5]),
        ([PAD, PAD], [1, 1]),
        ([5], [2]),
    ],
)
def test_mpnet_counts_the_tokens_that_are_not_padding(mpnet: EncoderWeights, ids: list[int], places: list[int]) -> None:
    """A padding token that a text spells out takes row 1 and no number; those behind it count on as fairseq's do."""
    np.testing.assert_allclose(run(mpnet, [ids]), expected(mpnet, ids, places), atol=1e-6)


@pytest.mark.parametrize("ids", [[2, 9, 8, 3], [2, 0, 9, 0, 3], [7]])
def test_bert_counts_places(bert: EncoderWeights, ids: list[int]) -> None:
    """BERT's positions are indices, padding token in the text or not."""
    np.testing.assert_allclose(run(bert, [ids]), expected(bert, ids, list(range(len(ids)))), atol=1e-6)


def test_indices_begin_at_the_first_position(bert: EncoderWeights) -> None:
    """An architecture that counts places from a later row gets that row first."""
    later = replace(bert, first_position=3)
    np.testing.assert_allclose(run(later, [[2, 9, 3]]), expected(later, [2, 9, 3], [3, 4, 5]), atol=1e-6)


def test_another_padding_id_is_counted_out(mpnet: EncoderWeights) -> None:
    """The id that isn't counted is that of the weights."""
    other = replace(mpnet, pad_id=7)
    np.testing.assert_allclose(run(other, [[0, 7, 1, 2]]), expected(other, [0, 7, 1, 2], [2, 1, 3, 4]), atol=1e-6)


@pytest.mark.parametrize("architecture", ["mpnet", "bert"])
def test_a_batch_is_its_texts_one_after_another(architecture: str, request: pytest.FixtureRequest) -> None:
    """Ragged texts are embedded to the bits that each has alone; padding yields no rows."""
    weights = request.getfixturevalue(architecture)
    rows = [[0, 9, 2], [5], [0, weights.pad_id, 8, 8, 2], [0, 2]]
    alone = np.concatenate([run(weights, [row]) for row in rows])
    np.testing.assert_array_equal(run(weights, rows), alone)
    np.testing.assert_array_equal(run(weights, rows, extra=9), alone)


@pytest.mark.parametrize("architecture", ["mpnet", "bert"])
def test_the_longest_text_has_the_last_row(architecture: str, request: pytest.FixtureRequest) -> None:
    """As many tokens as the table has positions fit, and the last of them uses its last row."""
    weights = request.getfixturevalue(architecture)
    ids = [9] * weights.max_positions
    places = list(range(weights.first_position, len(weights.position_embeddings)))
    np.testing.assert_allclose(run(weights, [ids]), expected(weights, ids, places), atol=1e-6)
