"""The reranker: scores, orders, warnings and refusals."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import Golden
from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import ArtifactError, BiolordError, InputError, TruncationWarning
from biolord_onnx.golden import check_golden, make_golden_scores
from biolord_onnx.reranker import Ranked, Reranker
from unit.runtime.command import Biolord
from unit.runtime.tiny_artifact import MAX_LENGTH, write_manifest
from unit.runtime.tiny_reranker import FRAME, reranker_manifest, write_tiny_reranker

QUERY = "cat scratch"
TEXTS = ("dog bite", "fever", "", "cat scratch", "heart", "dog bite", "fever of the dog")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a reranker's artifact to read."""
    return write_tiny_reranker(tmp_path_factory.mktemp("artifacts") / "tiny")


@pytest.fixture(scope="module")
def reranker(folder: Path) -> Iterator[Reranker]:
    """Give a reranker."""
    with Reranker.load(folder, threads=2) as loaded:
        yield loaded


def test_scores_are_the_sigmoid_of_the_raw_ones(reranker: Reranker) -> None:
    """One a text, float32; raw ones are what the graph gave."""
    scores, raw = reranker.score(QUERY, TEXTS), reranker.score(QUERY, TEXTS, raw=True)
    assert scores.dtype == np.float32
    assert scores.shape == (len(TEXTS),)
    assert len(set(raw.tolist())) > 3
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-raw.astype(np.float64))), rtol=1e-6)


def test_scores_may_be_the_raw_ones(tmp_path: Path, reranker: Reranker) -> None:
    """Of a checkpoint without an activation."""
    with Reranker.load(write_tiny_reranker(tmp_path / "raw", replace(FRAME, activation="identity"))) as plain:
        assert plain.score(QUERY, TEXTS).tobytes() == reranker.score(QUERY, TEXTS, raw=True).tobytes()


def test_a_score_is_a_function_of_its_pair(reranker: Reranker, folder: Path) -> None:
    """Alone, in another order, on another number of threads and from several threads at once: the same bits."""
    together = reranker.score(QUERY, TEXTS, raw=True)
    alone = [reranker.score(QUERY, [text], raw=True)[0] for text in TEXTS]
    assert np.array(alone).tobytes() == together.tobytes()
    assert reranker.score(QUERY, TEXTS[::-1], raw=True)[::-1].tobytes() == together.tobytes()
    with Reranker.load(folder, threads=1) as single, ThreadPoolExecutor(4) as pool:
        assert single.score(QUERY, TEXTS, raw=True).tobytes() == together.tobytes()
        found = {scores.tobytes() for scores in pool.map(lambda _: reranker.score(QUERY, TEXTS, raw=True), range(20))}
    assert found == {together.tobytes()}


def test_query_and_text_are_told_apart(reranker: Reranker) -> None:
    """By their places and types: the other way round is another pair."""
    assert reranker.score("fever", ["dog bite"])[0] != reranker.score("dog bite", ["fever"])[0]


def test_a_ranking_is_best_first_and_keeps_the_order_of_equals(reranker: Reranker) -> None:
    """Places are those of the list given; both copies of a text stay in their order."""
    scores = reranker.score(QUERY, TEXTS)
    ranked = reranker.rank(QUERY, TEXTS)
    assert [one.score for one in ranked] == sorted(scores.tolist(), reverse=True)
    assert sorted(one.place for one in ranked) == list(range(len(TEXTS)))
    assert all(one.score == scores[one.place] for one in ranked)
    places = [one.place for one in ranked]
    assert places.index(0) + 1 == places.index(5)
    assert reranker.rank(QUERY, iter(TEXTS), top=2) == ranked[:2]
    assert reranker.rank(QUERY, TEXTS, top=100, raw=True)[0].place == ranked[0].place
    assert isinstance(ranked[0], Ranked)


def test_large_scores_are_ordered_though_the_sigmoid_is_flat_there(tmp_path: Path) -> None:
    """float32 knows nothing between 1 - 6e-8 and 1."""
    with Reranker.load(write_tiny_reranker(tmp_path / "large")) as reranker:
        info = reranker.score_with_info(QUERY, TEXTS)
    large = replace(info, scores=np.ones_like(info.scores))
    assert large.best().tolist() == np.argsort(-info.logits, kind="stable").tolist()
    assert large.best(2).tolist() == large.best().tolist()[:2]


def test_no_texts_have_no_scores(reranker: Reranker) -> None:
    """An empty list of candidates is no error."""
    assert reranker.score(QUERY, []).shape == (0,)
    assert reranker.rank(QUERY, []) == []


def test_long_pairs_are_cut_with_a_warning(reranker: Reranker) -> None:
    """One a call, with how many; `score_with_info` tells which and does not warn."""
    texts = ["fever", "fever " * MAX_LENGTH]
    for call in (reranker.score, reranker.rank):
        with pytest.warns(TruncationWarning, match=f"1 of 2 pairs have more than {MAX_LENGTH} tokens") as caught:
            call(QUERY, texts)
        assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        info = reranker.score_with_info(QUERY, texts)
    assert info.truncated.tolist() == [False, True]
    assert info.token_counts.tolist() == [4 + 2 + 1, 4 + 2 + MAX_LENGTH]


@pytest.mark.parametrize(
    ("query", "texts", "message"),
    [
        (b"cat", ["dog"], "query is bytes, expected str"),
        ("cat", "dog", "texts is str, expected an iterable of str: put a single text into a list"),
        ("cat", ["dog", None], r"texts\[1\] is NoneType, expected str"),
    ],
)
def test_what_is_no_text_is_refused(reranker: Reranker, query: str, texts: list[str], message: str) -> None:
    """By type and position."""
    with pytest.raises(TypeError, match=message):
        reranker.score(query, texts)


def test_a_top_of_nothing_is_refused(reranker: Reranker) -> None:
    """Before anything is computed."""
    with pytest.raises(InputError, match="top is 0, expected 1 or more"):
        reranker.rank(QUERY, TEXTS, top=0)


def test_it_says_what_it_is(folder: Path) -> None:
    """Provider, threads, limit, manifest, fingerprint; and once closed that it is."""
    with Reranker.load(folder, threads=1) as reranker:
        assert (reranker.provider, reranker.threads, reranker.max_length) == ("cpu", 1, MAX_LENGTH)
        assert reranker.fingerprint == open_artifact(folder).fingerprint
        assert reranker.manifest.reranking == FRAME
        assert repr(reranker) == "<Reranker tiny-reranker provider=cpu threads=1>"
    with pytest.raises(BiolordError, match="this Reranker is closed"):
        reranker.score(QUERY, TEXTS)


def test_neither_kind_of_artifact_is_taken_for_the_other(
    folder: Path, compiled: Path, tmp_path: Path, biolord: Biolord
) -> None:
    """By name, before anything is loaded."""
    with pytest.raises(ArtifactError, match="tiny-reranker is a reranker, which scores pairs of texts and gives no"):
        Embedder.load(folder)
    with pytest.raises(ArtifactError, match="tiny-cpu-int8 embeds texts and scores no pairs"):
        Reranker.load(compiled)
    texts = tmp_path / "texts.txt"
    texts.write_text("dog\n", encoding="utf-8")
    biolord("similar", folder, "cat", "--input", texts).assert_error("tiny-reranker is a reranker")


def test_special_tokens_beyond_the_table_are_refused(tmp_path: Path, biolord: Biolord) -> None:
    """They would be read from behind it; a frame as long as the limit leaves no room for a text."""
    far = write_tiny_reranker(tmp_path / "far", replace(FRAME, middle=(100_000,)))
    with pytest.raises(ArtifactError, match="the special id 100000, the graph has"):
        Reranker.load(far)
    biolord("info", far).assert_error("the special id 100000")
    full = write_tiny_reranker(tmp_path / "full", replace(FRAME, middle=(2,) * 16))
    with pytest.raises(ArtifactError, match="18 special tokens stand around a pair, expected 1 or more and fewer"):
        Reranker.load(full)


def test_an_encoder_without_types_scores_pairs_too(tmp_path: Path, reranker: Reranker) -> None:
    """As RoBERTa's; the two texts are told apart by their places."""
    folder = write_tiny_reranker(tmp_path / "untyped", replace(FRAME, token_types=False), typed=False)
    with Reranker.load(folder) as untyped:
        found = untyped.score(QUERY, TEXTS, raw=True)
        assert [untyped.score(QUERY, [text], raw=True)[0] for text in TEXTS] == found.tolist()
    assert len(set(found.tolist())) > 3
    assert not np.allclose(found, reranker.score(QUERY, TEXTS, raw=True))


def test_a_graph_without_types_is_no_graph_of_this_manifest(tmp_path: Path) -> None:
    """Inputs and outputs are those that the manifest promises."""
    folder = write_tiny_reranker(tmp_path / "untyped", replace(FRAME, token_types=False))
    with pytest.raises(ArtifactError, match=r"token_type_ids.*expected \['attention_mask', 'input_ids'\] and"):
        Reranker.load(folder)


def test_golden_scores_are_compared(tmp_path: Path, biolord: Biolord) -> None:
    """The first text is the query; another hash is told."""
    folder = write_tiny_reranker(tmp_path / "golden")
    with Reranker.load(folder) as reranker:
        golden = make_golden_scores(reranker, (QUERY, *TEXTS))
    write_manifest(folder, replace(reranker_manifest(), golden=golden))
    found = check_golden(open_artifact(folder))
    assert found is not None
    assert (found.same, found.texts) == (True, 1 + len(TEXTS))
    assert "8 texts, this machine gives the same bits" in biolord("info", folder, "--check").out
    write_manifest(folder, replace(reranker_manifest(), golden=Golden(golden.texts, "0" * 64)))
    assert biolord("info", folder, "--check").code == 1


def test_info_says_that_it_reranks(folder: Path, biolord: Biolord) -> None:
    """And tells nothing of vectors or pooling, which it has none of."""
    out = biolord("info", folder).out
    assert "reranker               scores a query with a text" in out
    assert "sigmoid" in out
    assert "pooling" not in out
    assert json.loads(biolord("info", folder, "--json").out)["manifest"]["reranking"]["middle"] == [2, 2]
