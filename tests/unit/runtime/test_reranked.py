"""Hits of a search in a reranker's order: the function, and ``biolord search --rerank``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from biolord_onnx.embedder import Embedder
from biolord_onnx.index.hits import Hit
from biolord_onnx.index.index import Index
from biolord_onnx.reranked import hits_wanted, rerank_hits
from biolord_onnx.reranker import Reranker
from unit.runtime.command import Biolord
from unit.runtime.tiny_reranker import write_tiny_reranker

NAMES = ("dog bite", "fever", "cat scratch", "heart", "injury of the heart", "cat", "dog", "scratch", "bite of the cat")
QUERY = "Cat  scratch"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a reranker's artifact to read."""
    return write_tiny_reranker(tmp_path_factory.mktemp("artifacts") / "tiny")


@pytest.fixture(scope="module")
def reranker(folder: Path) -> Iterator[Reranker]:
    """Give a reranker."""
    with Reranker.load(folder) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def index(compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an index of some names."""
    path = tmp_path_factory.mktemp("indexes") / "names.index"
    with Embedder.load(compiled) as embedder:
        Index.build(embedder, NAMES, path)
    return path


def hits(*names: str, exact: str = "") -> list[Hit]:
    """Make hits as a search gives them."""
    return [Hit(None, name, 1 - row / 10, row, name == exact, {}) for row, name in enumerate(names)]


def test_the_first_hits_are_ordered_by_the_reranker_and_the_others_stay(reranker: Reranker) -> None:
    """Each keeps its cosine; those behind have no score of the reranker's."""
    found = rerank_hits(reranker, QUERY, hits(*NAMES), first=6)
    expected = [NAMES[one.place] for one in reranker.rank(QUERY, NAMES[:6])]
    assert [one.hit.name for one in found] == [*expected, *NAMES[6:]]
    assert [one.rerank_score for one in found[:6]] == [one.score for one in reranker.rank(QUERY, NAMES[:6])]
    assert [one.rerank_score for one in found[6:]] == [None] * 3
    assert {one.hit.score for one in found} == {hit.score for hit in hits(*NAMES)}


def test_an_equal_name_stays_in_front(reranker: Reranker) -> None:
    """Whatever the reranker thinks of it."""
    worst = NAMES[reranker.rank(QUERY, NAMES)[-1].place]
    found = rerank_hits(reranker, QUERY, hits(*NAMES, exact=worst))
    assert found[0].hit.name == worst
    others = [one.rerank_score for one in found[1:] if one.rerank_score is not None]
    assert others == sorted(others, reverse=True)


def test_no_hits_are_none(reranker: Reranker) -> None:
    """A query of which nothing is found."""
    assert rerank_hits(reranker, QUERY, []) == []


def test_a_search_gives_as_many_hits_as_are_reranked_or_shown() -> None:
    """Never more than there are, but for a ``top`` that the search itself refuses."""
    assert hits_wanted(top=10, first=50, rows=1000) == 50
    assert hits_wanted(top=80, first=50, rows=1000) == 80
    assert hits_wanted(top=10, first=50, rows=20) == 20
    assert hits_wanted(top=30, first=50, rows=20) == 30


def test_search_reranks(index: Path, compiled: Path, folder: Path, reranker: Reranker, biolord: Biolord) -> None:
    """In the table, with both scores, and in JSON."""
    command = (
        "search",
        index,
        "fever of the dog",
        "--artifact",
        compiled,
        "--rerank",
        folder,
        "--rerank-top",
        4,
        "--top",
        6,
    )
    found = json.loads(biolord(*command, "--json").out)[0]["hits"]
    plain = json.loads(biolord(*command[:5], "--top", 6, "--json").out)[0]["hits"]
    assert sorted(hit["name"] for hit in found[:4]) == sorted(hit["name"] for hit in plain[:4])
    assert [hit["name"] for hit in found[4:]] == [hit["name"] for hit in plain[4:]]
    scores = reranker.score("fever of the dog", [hit["name"] for hit in found[:4]]).tolist()
    assert [hit["rerank_score"] for hit in found] == [*scores, None, None]
    assert scores == sorted(scores, reverse=True)
    assert all("rerank_score" not in hit for hit in plain)
    lines = biolord(*command).out.splitlines()
    assert [line.split()[0] for line in lines] == [*(f"{score:.4f}" for score in scores), "-", "-"]
    assert lines[0].split()[1] == f"{found[0]['score']:.4f}"


def test_what_the_command_refuses(index: Path, compiled: Path, folder: Path, biolord: Biolord) -> None:
    """A number without a reranker, an artifact that embeds, more hits than there are names."""
    search = ("search", index, "fever", "--artifact", compiled)
    biolord(*search, "--rerank-top", 5).assert_error("--rerank-top needs --rerank")
    biolord(*search, "--rerank", compiled).assert_error("tiny-cpu-int8 embeds texts and scores no pairs")
    biolord(*search, "--rerank", folder, "--top", 10).assert_error("top is 10, expected 1 to 9")
    biolord(*search, "--rerank", folder, "--rerank-top", 0).assert_error("'0' is no whole number from 1 to 10000")
