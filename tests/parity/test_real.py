"""The authored float32 graph and the runtime's tokenizer against sentence-transformers, on real weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_export.demo.models import reference_model
from biolord_onnx.encoding.batching import plan
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from golden.store import MODELS, load_golden
from oracle.client import Oracle, OracleResult
from parity.authored import Authored, cosines, open_graph, write_graph
from parity.texts import HOSTILE, names, passages
from parity.tokens import checkpoint_tokenizer

pytestmark = pytest.mark.real

TEXTS = [*names(1000), *passages(200), *HOSTILE]
CLOSEST = 0.999999
TOKEN_BUDGET = 1024


@dataclass(frozen=True)
class Case:
    """A reference model, its authored graph, and what sentence-transformers says about the texts."""

    name: str
    authored: Authored
    tokenizer: Tokenizer
    answer: OracleResult

    @property
    def ids(self) -> list[list[int]]:
        """The library's token ids."""
        return [one.tolist() for one in self.answer.token_ids]


@pytest.fixture(scope="module", params=MODELS)
def case(request: pytest.FixtureRequest, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Each reference model; the library is asked once for all tests."""
    folder: Path = reference_model(request.param)
    graph = tmp_path_factory.mktemp("authored")
    authored = open_graph(graph, write_graph(folder, graph), threads=2)
    return Case(request.param, authored, checkpoint_tokenizer(folder), oracle(folder, TEXTS))


def encode(authored: Authored, ids: list[list[int]]) -> NDArray[np.float32]:
    """Encode texts in batches of equal length, as the runtime does: float32 [texts, dim]."""
    lengths = np.array(list(map(len, ids)), dtype=np.int32)
    batches = plan(lengths, TOKEN_BUDGET)
    vectors = np.concatenate([authored.run([ids[index] for index in batch.indices]) for batch in batches])
    return vectors[np.argsort(np.concatenate([batch.indices for batch in batches]))]


def test_token_ids_are_those_of_transformers(case: Case) -> None:
    """Names, passages and hostile strings give the library's ids, whose tokenizers version is another one."""
    limit = case.answer.max_length
    assert limit is not None
    found = case.tokenizer.tokenize(TEXTS, limit).ids
    wrong = [text[:60] for text, ours, theirs in zip(TEXTS, found, case.ids, strict=True) if ours != theirs]
    assert wrong == []
    assert max(map(len, found)) == limit


def test_vectors_are_those_of_sentence_transformers(case: Case) -> None:
    """Every vector of the float32 graph points where the library's does, and is as long."""
    vectors = encode(case.authored, case.ids)
    found = cosines(vectors, case.answer.vectors)
    assert found.min() >= CLOSEST, TEXTS[int(found.argmin())][:60]
    np.testing.assert_allclose(vectors, case.answer.vectors, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_vectors_are_the_recorded_ones(name: str, tmp_path: Path) -> None:
    """The golden files, made once and looked at, hold without the library."""
    golden, folder = load_golden(name), reference_model(name)
    authored = open_graph(tmp_path, write_graph(folder, tmp_path), threads=2)
    ids = checkpoint_tokenizer(folder).tokenize(golden.texts, golden.max_length).ids
    assert ids == [one.tolist() for one in golden.token_ids]
    assert cosines(encode(authored, ids), golden.vectors).min() >= CLOSEST
