"""A vector is a function of its text alone: the float32 graph, alone and in any batch.

The pooling sums whole blocks of places (see graph/pooling.py), without which texts of 7, 11, 15 ... tokens differed in
the last bit by the padding behind them. The kernels for the softmax and the matrix products are onnxruntime's own;
those for AVX-512 give the same bits behind any padding, others are only held to be near.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolord_export.demo.models import reference_model
from biolord_onnx.session.cpu import cpu_features
from parity.authored import SENTENCE, UNIT, Authored, differences, open_graph, write_graph
from parity.texts import names, passages
from parity.tokens import checkpoint_tokenizer
from tiny.checkpoint import MAX_SEQ_LENGTH, SIZES

NEAR = 1e-6
MIXED = 0.0 if "avx512f" in cpu_features() else NEAR
"""The largest difference that the padding of a batch may make."""
LONGEST = SIZES.positions - 2
THREADS = (1, 2)
Row = list[int]


@pytest.fixture(scope="module", params=["mpnet", "bert"])
def sessions(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Authored]:
    """The graph of each tiny checkpoint, by its number of threads."""
    folder = tmp_path_factory.mktemp("authored")
    pad_id = write_graph(request.getfixturevalue(f"tiny_{request.param}"), folder)
    return {threads: open_graph(folder, pad_id, threads) for threads in THREADS}


@pytest.fixture(scope="module")
def ids(tiny_mpnet: Path) -> list[Row]:
    """Token ids of names and of passages cut to the limit."""
    texts = [*names(50), *passages(6), ""]
    return checkpoint_tokenizer(tiny_mpnet).tokenize(texts, MAX_SEQ_LENGTH).ids


def equal_lengths(ids: list[Row]) -> list[list[Row]]:
    """Group texts by their number of tokens, as the runtime does."""
    return [[row for row in ids if len(row) == length] for length in sorted(set(map(len, ids)))]


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("output", [SENTENCE, UNIT])
def test_a_batch_of_one_length_gives_the_bits_of_each_text_alone(
    sessions: dict[int, Authored], ids: list[Row], threads: int, output: str
) -> None:
    """This is how the runtime runs texts; nothing at all may depend on the company, the order or the threads."""
    for rows in equal_lengths(ids):
        alone = sessions[1].alone(rows, output)
        np.testing.assert_array_equal(sessions[threads].run(rows, output), alone)
        np.testing.assert_array_equal(sessions[threads].run(rows[::-1], output), alone[::-1])


@pytest.mark.parametrize("threads", THREADS)
def test_a_batch_of_mixed_lengths_gives_the_vectors_of_each_text_alone(
    sessions: dict[int, Authored], ids: list[Row], threads: int
) -> None:
    """A caller of the graph who pads gets the same vectors."""
    alone = sessions[1].alone(ids)
    order = np.random.default_rng(2).permutation(len(ids))
    found = sessions[threads].run([ids[index] for index in order])
    assert differences(found, alone[order]) <= MIXED


def test_padding_of_every_width_changes_nothing(sessions: dict[int, Authored]) -> None:
    """A text of each length, padded by 0 to 9 places, keeps its vector."""
    random = np.random.default_rng(4)
    for length in range(2, LONGEST - 8):
        rows = [random.integers(5, 200, length).tolist()]
        alone = sessions[1].run(rows)
        assert max(differences(sessions[1].run(rows, extra=extra), alone) for extra in range(10)) <= MIXED


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=LONGEST), min_size=1, max_size=6),
    threads=st.sampled_from(THREADS),
)
def test_any_batch_gives_the_vectors_of_its_texts_alone(
    sessions: dict[int, Authored], rows: list[Row], threads: int
) -> None:
    """Whatever the tokens and lengths. A single token is the one exception: its products are matrix times vector."""
    whole = [row for row in rows if len(row) > 1] or [[0, 2]]
    assert differences(sessions[threads].run(whole), sessions[1].alone(whole)) <= MIXED
    assert differences(sessions[threads].run(rows), sessions[1].alone(rows)) <= NEAR


@pytest.mark.real
@pytest.mark.parametrize("name", ["all-mpnet-base-v2", "all-minilm-l6-v2"])
def test_real_vectors_depend_on_no_batch(name: str, tmp_path: Path) -> None:
    """On the real weights too: bit-equal at one length, and as near as the kernels allow in a mixed batch."""
    folder = reference_model(name)
    pad_id = write_graph(folder, tmp_path)
    one, two = (open_graph(tmp_path, pad_id, threads) for threads in THREADS)
    ids = checkpoint_tokenizer(folder).tokenize([*names(36), *passages(3), ""], 128).ids
    alone = dict(zip(map(tuple, ids), one.alone(ids), strict=True))
    for rows in equal_lengths(ids):
        expected = np.stack([alone[tuple(row)] for row in rows])
        np.testing.assert_array_equal(two.run(rows), expected)
        np.testing.assert_array_equal(one.run(rows), expected)
    assert differences(two.run(ids), np.stack([alone[tuple(row)] for row in ids])) <= MIXED
