"""The order of texts for a query, in two interfaces: the library's scores, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biolord_onnx.errors import ArtifactError, BiolordError
from biolord_onnx.reranker import Reranker, ScoreInfo
from biolord_onnx.server.rerank import RerankService
from biolord_onnx.server.services import Services
from biolord_onnx.server.settings import Limits, ServerSettings
from server.fixtures import Running, Serving
from unit.runtime.command import PATIENCE, Biolord, wait_for
from unit.runtime.tiny_artifact import MAX_LENGTH

QUERY = "cat scratch"
TEXTS = ["dog bite", "fever", "", "cat scratch", "heart", "dog bite", "fever of the dog", "日本 🤒"]
LONG = "cat " * 40


@pytest.fixture(scope="module")
def reranker(tiny_reranker: Path) -> Iterator[Reranker]:
    """Give the reranker itself."""
    with Reranker.load(tiny_reranker, threads=1) as loaded:
        yield loaded


def reranking(server: Running) -> RerankService:
    """Return what reranks there."""
    assert server.services.rerank is not None
    return server.services.rerank


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1], TEXTS * 40])
def test_ranks_are_the_librarys(whole_server: Running, reranker: Reranker, texts: list[str], raw: bool) -> None:
    """In text-embeddings-inference's form, with the scores' own bits, however many shares they were scored in."""
    reply = whole_server.post("/rerank", {"query": QUERY, "texts": texts, "raw_scores": raw})
    assert reply.status == 200
    expected = [(one.place, np.float32(one.score)) for one in reranker.rank(QUERY, texts, raw=raw)]
    assert [(rank["index"], np.float32(rank["score"])) for rank in reply.json] == expected
    assert {tuple(rank) for rank in reply.json} == {("index", "score")}
    assert reply.headers["server-timing"].startswith("rerank;dur=")


def test_texts_come_back_where_told(whole_server: Running) -> None:
    """Each with its rank."""
    ranks = whole_server.post("/rerank", {"query": QUERY, "texts": TEXTS, "return_text": True}).json
    assert [rank["text"] for rank in ranks] == [TEXTS[rank["index"]] for rank in ranks]


@pytest.mark.parametrize("documents", [TEXTS, [{"text": text} for text in TEXTS]])
def test_documents_are_ranked_alike(whole_server: Running, reranker: Reranker, documents: list[object]) -> None:
    """In Cohere's and Jina's form, with tokens counted."""
    asked = {"model": "any", "query": QUERY, "documents": documents, "max_tokens_per_doc": 4096}
    found = whole_server.post("/v1/rerank", asked).json
    ranked = reranker.rank(QUERY, TEXTS)
    expected = [{"index": one.place, "relevance_score": np.float32(one.score)} for one in ranked]
    results = [one | {"relevance_score": np.float32(one["relevance_score"])} for one in found["results"]]
    assert results == expected
    tokens = int(reranker.score_with_info(QUERY, TEXTS).token_counts.sum())
    assert (found["object"], found["model"]) == ("list", "tiny-reranker")
    assert found["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    best = whole_server.post("/v1/rerank", asked | {"top_n": 2, "return_documents": True}).json
    assert [one["document"] for one in best["results"]] == [{"text": TEXTS[one.place]} for one in ranked[:2]]
    assert best["id"] != found["id"]


@pytest.mark.parametrize(
    ("asked", "status", "kind", "message"),
    [
        ({"query": "a", "texts": []}, 400, "Empty", "no texts"),
        ({"query": "a", "texts": "b"}, 422, "Validation", "texts: expected a list of strings"),
        ({"query": ["a"], "texts": ["b"]}, 422, "Validation", "query: "),
        ({"query": "a", "texts": [{"text": "b"}]}, 422, "Validation", "texts: expected"),
        ({"query": "a", "texts": ["b"], "top_n": 1}, 422, "Validation", "top_n is not known here"),
        ({"query": "a", "texts": ["b"], "truncation_direction": "left"}, 422, "Validation", "truncation_direction: "),
        (
            {"query": "a", "texts": ["b"] * 70 + [LONG]},
            413,
            "Validation",
            f"query and text 70 have 45 tokens together, the limit is {MAX_LENGTH}",
        ),
    ],
)
def test_what_is_refused(whole_server: Running, asked: dict[str, Any], status: int, kind: str, message: str) -> None:
    """In a line that repeats no word of the request."""
    reply = whole_server.post("/rerank", asked)
    assert (reply.status, reply.json["error_type"]) == (status, kind)
    assert message in reply.json["error"]
    assert "secret" not in reply.json["error"]


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ({"documents": []}, "empty_input", "no texts"),
        ({"documents": ["secret", 3]}, "invalid_value", "documents: expected a list of strings, or of"),
        ({"documents": [{"text": "secret", "title": "b"}]}, "invalid_value", "documents: expected"),
        ({"documents": ["a"], "top_n": 0}, "invalid_value", "top_n: "),
        (
            {"documents": ["a"], "max_tokens_per_doc": 5},
            "invalid_value",
            f"max_tokens_per_doc is 5, this model reads up to {MAX_LENGTH}",
        ),
        ({"documents": ["a"], "max_chunks_per_doc": 5}, "invalid_value", "max_chunks_per_doc is not known here"),
        ({"documents": [LONG]}, "context_length_exceeded", "query and text 0 have 45 tokens together"),
    ],
)
def test_what_is_refused_of_documents(whole_server: Running, more: dict[str, Any], code: str, message: str) -> None:
    """In the words of the interfaces below /v1/."""
    reply = whole_server.post("/v1/rerank", {"query": "a", **more})
    assert (reply.status, reply.json["error"]["code"]) == (400, code)
    assert message in reply.json["error"]["message"]
    assert "secret" not in reply.json["error"]["message"]


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank"])
def test_pairs_are_cut_where_told(
    whole_server: Running, serving: Serving, tiny_reranker: Path, reranker: Reranker, path: str
) -> None:
    """By the request or by the settings; and counted."""
    name = "documents" if path.startswith("/v1/") else "texts"
    always = serving(reranker=tiny_reranker, auto_truncate=True)
    for server, more in ((whole_server, {"truncate": True}), (always, {})):
        reply = server.post(path, {"query": QUERY, name: [LONG, "a"], **more})
        assert (reply.status, reply.headers["x-truncated-texts"]) == (200, "1")
        ranks = reply.json["results"] if path.startswith("/v1/") else reply.json
        with pytest.warns(UserWarning, match="1 of 2 pairs"):
            assert [rank["index"] for rank in ranks] == [one.place for one in reranker.rank(QUERY, [LONG, "a"])]


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank"])
def test_a_server_without_a_reranker(tiny_server: Running, path: str) -> None:
    """Says how to get one."""
    reply = tiny_server.post(path, {"query": "a", "documents" if path.startswith("/v1/") else "texts": ["b"]})
    assert reply.status == 404
    assert b"this server has no reranker: start it with --reranker ARTIFACT" in reply.body
    assert tiny_server.get("/info").json["reranker"] is None


def test_what_reranks_is_told(whole_server: Running) -> None:
    """To whoever asks."""
    found = whole_server.get("/info").json["reranker"]
    assert (found["artifact"], found["max_input_length"], found["provider"]) == ("tiny-reranker", MAX_LENGTH, "cpu")


def test_an_artifact_of_another_kind(tiny: Path, tiny_reranker: Path, tiny_index: Path, biolord: Biolord) -> None:
    """Is refused before anything is listened at, and nothing goes on running."""
    biolord("serve", tiny, "--reranker", tiny, "--port", 0).assert_error("tiny-cpu-int8")
    biolord("serve", tiny_reranker, "--port", 0).assert_error("tiny-reranker")
    threads = threading.active_count()
    with pytest.raises(ArtifactError, match="holds the artifact with fingerprint"):
        Services.open(
            ServerSettings(
                str(tiny), index=str(tiny_index), reranker=str(tiny_reranker), threads=1, reranker_fingerprint="0" * 64
            )
        )
    wait_for(lambda: threading.active_count() <= threads)


def test_workers_serve_what_was_loaded(tiny: Path, tiny_reranker: Path, tiny_index: Path) -> None:
    """Of each of the three, or nothing."""
    settings = ServerSettings(str(tiny), index=str(tiny_index), reranker=str(tiny_reranker), threads=1)
    services = Services.open(settings)
    services.close()
    fixed = services.fixed(settings)
    prints = {fixed.fingerprint, fixed.index_fingerprint, fixed.reranker_fingerprint}
    assert len(prints) == 3
    assert None not in prints


def test_the_size_of_pairs_is_bounded(serving: Serving, tiny_reranker: Path) -> None:
    """The query counts with each text; both are bounded alone, too."""
    server = serving(reranker=tiny_reranker, limits=Limits(texts=3, characters=100, text_characters=50))
    for query, texts, message in (
        ("a", ["b"] * 4, "4 texts, the limit is 3"),
        ("a" * 40, ["b"] * 3, "123 characters, the limit is 100"),
        ("a" * 51, ["b"], "text 0 has 51 characters, the limit is 50"),
        ("a", ["b" * 51], "text 1 has 51 characters, the limit is 50"),
    ):
        assert message in server.post("/rerank", {"query": query, "texts": texts}).json["error"]


def test_waiting_pairs_are_bounded_and_keep_nobody_else(
    serving: Serving, tiny_reranker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vectors are computed meanwhile; who asks for scores is told when to come back."""
    server = serving(reranker=tiny_reranker, limits=Limits(queue_tokens=20))
    service, gate, score = reranking(server), threading.Event(), Reranker.score_with_info

    def held(self: Reranker, query: str, texts: list[str]) -> ScoreInfo:
        assert gate.wait(PATIENCE)
        return score(self, query, texts)

    monkeypatch.setattr(Reranker, "score_with_info", held)
    asked = {"query": "a", "texts": ["b"] * 30, "truncate": True}
    blocked = threading.Thread(target=server.post, args=("/rerank", asked))
    blocked.start()
    wait_for(lambda: service.room.held == 30)
    reply = server.post("/rerank", {"query": "a", "texts": ["b"]})
    assert (reply.status, reply.json["error_type"], reply.headers["retry-after"]) == (429, "Overloaded", "2")
    assert reply.json["error"] == "30 tokens of pairs wait, 1 more would exceed 20: try again"
    assert server.post("/embed", {"inputs": "fever"}).status == 200
    gate.set()
    blocked.join()
    text = server.get("/metrics").body.decode()
    assert "biolord_pairs_total 30.0" in text
    assert 'biolord_stage_seconds_count{stage="rerank"} 1.0' in text


def test_a_failed_graph(serving: Serving, tiny_reranker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the server's fault, in each interface's words; a dead thread is noticed."""
    server = serving(reranker=tiny_reranker)

    def fail(*_: object) -> None:
        raise BiolordError("out of memory")

    monkeypatch.setattr(Reranker, "score_with_info", fail)
    reply = server.post("/rerank", {"query": "a", "texts": ["b"]})
    assert (reply.status, reply.json["error"]) == (424, "the graph failed: out of memory")
    assert server.post("/v1/rerank", {"query": "a", "documents": ["b"]}).status == 500
    assert server.get("/health").status == 200
    reranking(server).close()
    assert server.get("/health").status == 503
