"""A padding token that a text spells out: it has no place of its own, and isn't counted (fairseq's rule)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, helper

from kernels.encoder import Encoder, Sizes, operator_model
from kernels.reference import layer_norm
from kernels.running import Array, assert_same_bits, open_session, run

FIRST, PAD = 2, 7
ENCODER = Encoder.random(Sizes(layers=1, positions=20))


def embed_model(**attributes: int) -> ModelProto:
    """Make a graph of the operator with attributes of one's own."""
    model = operator_model(ENCODER, "Embed")
    model.graph.node[0].attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
    return model


def feed(rows: Sequence[Sequence[int]]) -> dict[str, Array]:
    """Make a padded batch of token ids."""
    ids, mask = np.zeros((2, len(rows), max(map(len, rows))), dtype=np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)], mask[number, : len(row)] = row, 1
    return {"input_ids": ids, "attention_mask": mask}


def places(row: Sequence[int], pad: int) -> list[int]:
    """Say which row of the positions each token takes."""
    return [FIRST - 1 if one == pad else FIRST + sum(other != pad for other in row[:at]) for at, one in enumerate(row)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=18), min_size=1, max_size=4),
    st.integers(-1, 9),
)
def test_tokens_are_counted_without_it(rows: list[list[int]], pad: int) -> None:
    """Any texts and any id; -1 is no token's."""
    hidden, _ = run(open_session(embed_model(first_position=FIRST, pad_id=pad), "plain"), feed(rows))
    ids, at = np.concatenate(rows).astype(np.int64), [place for row in rows for place in places(row, pad)]
    scales = np.repeat(ENCODER.token_scales[ids].astype(np.float64), 64, axis=1)
    expected = layer_norm(ENCODER.table[ids] * scales + ENCODER.positions[at], ENCODER)
    np.testing.assert_allclose(hidden, expected, atol=1e-5)


def test_every_kind_counts_alike(kind: str) -> None:
    """To the last bit."""
    rows = [[3, PAD, PAD, 4], [PAD], [*range(12), PAD, *range(5)], [1, 2]]
    assert_same_bits(embed_model(first_position=FIRST, pad_id=PAD), kind, feed(rows))


def test_without_the_attribute_all_are_counted() -> None:
    """As BERT has it."""
    rows = [[0, PAD, 4], [-1 % 100, 3]]
    without, none = (run(open_session(embed_model(**each), "plain"), feed(rows)) for each in ({}, {"pad_id": -1}))
    assert [a.tobytes() for a in without] == [a.tobytes() for a in none]


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"pad_id": -2, "first_position": 2}, "attribute pad_id is -2, expected -1 to 1073741824"),
        ({"pad_id": 2**62, "first_position": 2}, "attribute pad_id is 4611686018427387904, expected -1 to"),
        ({"pad_id": 0}, "attribute pad_id is 0 and first_position 0, expected a position before the first"),
    ],
)
def test_what_makes_no_sense_is_refused(attributes: dict[str, int], problem: str) -> None:
    """A row before the table would be read."""
    with pytest.raises(Exception, match=problem):
        open_session(embed_model(**attributes), "plain")
