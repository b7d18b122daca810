"""The authored graph of tiny checkpoints against the plain numpy encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biolord_export.demo.models import reference_model
from oracle.client import Oracle
from parity.authored import SENTENCE, UNIT, Authored, cosines, differences, open_graph, write_graph
from parity.modern import ModernReference, load_reference
from parity.reference import ReferenceEncoder, pool, unit
from parity.texts import HOSTILE, names, passages
from parity.tokens import checkpoint_tokenizer
from tiny.checkpoint import MAX_SEQ_LENGTH, SIZES, write_checkpoint
from tiny.tokenizer import vocabulary

ARCHITECTURES = ("mpnet", "bert", "xlm-roberta", "camembert", "distilbert", "electra", "modernbert")
Reference = ReferenceEncoder | ModernReference
EXACT = 1e-5
LONGEST = SIZES.positions - 2
TEXTS = [*names(40), *passages(4), "", "a <pad> b <pad> [PAD] c", "</s> [MASK] <s>", "x" * 200, "🤒 Ménière"]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def checkpoint(request: pytest.FixtureRequest) -> Path:
    """Each tiny checkpoint."""
    folder: Path = request.getfixturevalue(f"tiny_{request.param}")
    return folder


@pytest.fixture(scope="module")
def authored(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Authored:
    """Its authored float32 graph."""
    folder = tmp_path_factory.mktemp("authored")
    return open_graph(folder, write_graph(checkpoint, folder))


@pytest.fixture(scope="module")
def reference(checkpoint: Path) -> Reference:
    """The plain numpy encoder of the same files."""
    return load_reference(checkpoint)


@pytest.fixture(scope="module")
def ids(checkpoint: Path) -> list[list[int]]:
    """Token ids of the texts."""
    return checkpoint_tokenizer(checkpoint).tokenize(TEXTS, MAX_SEQ_LENGTH).ids


def test_vectors_are_those_of_the_reference(authored: Authored, reference: Reference, ids: list[list[int]]) -> None:
    """Both outputs, for names, cut passages, the empty text and spelled-out special tokens."""
    pooled = [pool(reference(one), "mean") for one in ids]
    np.testing.assert_allclose(authored.alone(ids, UNIT), [unit(vector) for vector in pooled], atol=EXACT)
    normalized = reference.architecture == "bert"  # the tiny BERT ends in a Normalize module
    expected = [unit(vector) if normalized else vector for vector in pooled]
    np.testing.assert_allclose(authored.alone(ids, SENTENCE), expected, atol=EXACT)


def test_the_comparison_is_sharp(authored: Authored, ids: list[list[int]]) -> None:
    """The tiny encoders do what encoders do: other texts, and the same tokens in another order, are far apart."""
    vectors = authored.alone(ids, UNIT)
    similar = vectors @ vectors.T
    assert np.median(similar[np.triu_indices(len(ids), 1)]) < 0.9
    tokens = max(ids, key=len)
    turned = [tokens[0], *tokens[-2:0:-1], tokens[-1]]
    assert differences(authored.run([tokens], UNIT), authored.run([turned], UNIT)) > 1000 * EXACT


def test_cls_pooling_is_that_of_the_reference(
    checkpoint: Path, reference: Reference, ids: list[list[int]], tmp_path: Path
) -> None:
    """With the pooling overruled, the vector is that of the first token."""
    authored = open_graph(tmp_path, write_graph(checkpoint, tmp_path, pooling="cls"))
    found = authored.run(ids, UNIT)
    np.testing.assert_allclose(found, [unit(pool(reference(one), "cls")) for one in ids], atol=EXACT)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_ragged_batches_of_any_tokens_are_those_of_the_reference(
    authored: Authored, reference: Reference, data: st.DataObject
) -> None:
    """Whatever the tokens, lengths and padding: every text of a batch has the reference's vector."""
    token = st.integers(0, len(vocabulary(reference.architecture)) - 1)
    rows = data.draw(st.lists(st.lists(token, min_size=1, max_size=LONGEST), min_size=1, max_size=5))
    extra = data.draw(st.integers(0, LONGEST - max(map(len, rows))))
    expected = [unit(pool(reference(row), "mean")) for row in rows]
    np.testing.assert_allclose(authored.run(rows, UNIT, extra), expected, atol=EXACT)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_half_precision_and_prefixed_checkpoints_give_their_vectors(tmp_path: Path, architecture: str) -> None:
    """A prefix changes nothing; float16 weights give the vectors of those rounded weights."""
    rows = [[0, 9, 8, 7, 2], [0, 2]]
    found = {}
    for name, half, prefix in (("bare", False, ""), ("prefixed", False, f"{architecture}."), ("half", True, "")):
        folder = write_checkpoint(tmp_path / name, architecture=architecture, half=half, prefix=prefix)
        found[name] = open_graph(folder / "graph", write_graph(folder, folder / "graph")).run(rows)
    np.testing.assert_array_equal(found["prefixed"], found["bare"])
    reference = load_reference(tmp_path / "half")
    np.testing.assert_allclose(found["half"], [pool(reference(row), "mean") for row in rows], atol=EXACT)
    assert differences(found["half"], found["bare"]) > 1e-4


@pytest.mark.real
def test_sentence_transformers_loads_the_tiny_checkpoints(checkpoint: Path, authored: Authored, oracle: Oracle) -> None:
    """What the fast tier compares with is a real checkpoint: the library gives the same ids and vectors for it."""
    texts = [*TEXTS, *HOSTILE]
    answer = oracle(checkpoint, texts)
    found = checkpoint_tokenizer(checkpoint).tokenize(texts, MAX_SEQ_LENGTH).ids
    assert answer.max_length == MAX_SEQ_LENGTH
    assert found == [one.tolist() for one in answer.token_ids]
    np.testing.assert_allclose(authored.run(found), answer.vectors, atol=EXACT)


@pytest.mark.real
def test_the_reference_encoder_is_right(oracle: Oracle) -> None:
    """The plain numpy encoder agrees with sentence-transformers on a real model too."""
    folder = reference_model("all-minilm-l6-v2")
    answer = oracle(folder, TEXTS[:12])
    reference = ReferenceEncoder.load(folder)
    expected = np.stack([unit(pool(reference(one.tolist()), "mean")) for one in answer.token_ids])
    assert cosines(expected.astype(np.float32), answer.vectors).min() >= 0.999999
