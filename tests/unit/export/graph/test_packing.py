"""Packing: padding out before the first matmul, and back in where a shape needs it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from biolord_export.graph.builder import GraphBuilder
from biolord_export.graph.packing import emit_packing
from unit.export.graph.running import Arrays, evaluate, prefix_mask

WIDTH = 3
RAGGED = [[1], [5], [3, 3], [1, 4, 2], [4, 1, 1, 1], [2, 7, 7, 3]]


def run(lengths: list[int], sequence: int | None = None) -> Arrays:
    """Pack a padded batch whose place p of text t holds 100 t + p, and unpack it again.

    Returns:
        The packed tokens, the batch unpacked, the lengths, and which token fills each place.
    """
    graph = GraphBuilder("test")
    mask = graph.input("attention_mask", TensorProto.INT64, ["batch", "sequence"])
    rows = graph.input("rows", TensorProto.FLOAT, ["places", WIDTH])
    packing = emit_packing(graph, mask)
    packed = packing.pack(graph, rows)
    given_mask = prefix_mask(lengths, sequence)
    places = 100 * np.arange(len(lengths))[:, None] + np.arange(given_mask.shape[1])
    held = np.repeat(places.reshape(-1, 1), WIDTH, axis=1).astype(np.float32)
    values = (packed, packing.unpack(graph, packed), packing.lengths, packing.places(graph))
    return evaluate(graph, {"attention_mask": given_mask, "rows": held}, *values)


@pytest.mark.parametrize("lengths", RAGGED)
def test_packed_tokens_are_the_real_ones_text_after_text(lengths: list[int]) -> None:
    """Nothing is computed for padding: exactly the tokens of the texts remain, in order."""
    expected = [100 * text + place for text, length in enumerate(lengths) for place in range(length)]
    packed = run(lengths)[0]
    assert packed.shape == (sum(lengths), WIDTH)
    assert packed[:, 0].tolist() == expected


@pytest.mark.parametrize("lengths", RAGGED)
def test_unpacking_puts_every_token_back(lengths: list[int]) -> None:
    """Each real place holds what it held; padding holds finite values of some real token."""
    packed, unpacked, *_ = run(lengths)
    mask = prefix_mask(lengths).astype(bool)
    expected = 100 * np.arange(len(lengths))[:, None] + np.arange(mask.shape[1])
    assert unpacked.shape == (*mask.shape, WIDTH)
    np.testing.assert_array_equal(unpacked[mask][:, 0], expected[mask])
    assert set(unpacked[..., 0].ravel().tolist()) == set(packed[:, 0].tolist())


@pytest.mark.parametrize("lengths", RAGGED)
def test_lengths_and_places_are_those_of_the_mask(lengths: list[int]) -> None:
    """Lengths are int32, as onnxruntime's attention wants them; places lead to packed tokens."""
    packed, unpacked, found, places = run(lengths)
    assert found.dtype == np.int32
    assert found.tolist() == lengths
    np.testing.assert_array_equal(packed[places], unpacked)


def test_padding_that_no_text_needs_changes_nothing() -> None:
    """A batch padded to a fixed length, as a tokenizer may, has the same tokens."""
    np.testing.assert_array_equal(run([3, 2])[0], run([3, 2], sequence=32)[0])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 4))
def test_every_batch_makes_the_round_trip(lengths: list[int], extra: int) -> None:
    """Whatever the lengths and the padding: pack, unpack, pack gives the packed tokens."""
    sequence = max(lengths) + extra
    packed, unpacked, *_ = run(lengths, sequence)
    np.testing.assert_array_equal(unpacked[prefix_mask(lengths, sequence).astype(bool)], packed)
