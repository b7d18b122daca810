"""The search of an index: the library's hits, over a real connection, and what is refused."""

from __future__ import annotations

import socket
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import ArtifactError, BiolordError, TruncationWarning
from biolord_onnx.index.hits import Hit
from biolord_onnx.index.index import Index
from biolord_onnx.reranked import rerank_hits
from biolord_onnx.reranker import Reranker
from biolord_onnx.server.search import SearchService
from biolord_onnx.server.services import Services
from biolord_onnx.server.settings import Limits, ServerSettings
from biolord_onnx.server.work.scanner import Wish
from server.fixtures import Running, Serving
from server.test_refusals import Held
from unit.runtime.command import PATIENCE, Biolord, wait_for
from unit.runtime.tiny_artifact import write_tiny_artifact

QUERIES = ["cat scratch", "FEVER", "bite", "cat", "日本 🤒"]


@pytest.fixture(scope="module")
def index(tiny_index: Path, embedder: Embedder) -> Index:
    """Give the index itself."""
    return Index.open(tiny_index, embedder=embedder)


def as_json(found: list[list[Hit]]) -> list[list[dict[str, Any]]]:
    """Return hits as they stand in an answer."""
    return [[asdict(hit) | {"kept": dict(hit.kept)} for hit in hits] for hits in found]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"top": None, "where": None, "min_score": None},
        {"top": 1},
        {"top": 12},
        {"all_names": True},
        {"min_score": 0.5},
        {"where": {"kind": "wound"}},
        {"where": {"kind": ["sign", "other"]}},
        {"where": {"kind": "nothing"}},
        {"where": {"kind": "sign"}, "top": 2, "min_score": -1, "all_names": True},
    ],
)
def test_hits_are_the_librarys(whole_server: Running, index: Index, asked: dict[str, Any]) -> None:
    """All of each, in order, with the scores' own bits; one query gets a list of one list."""
    reply = whole_server.post("/search", {"inputs": QUERIES} | asked)
    assert reply.status == 200
    given = {name: value for name, value in asked.items() if value is not None}
    expected = as_json(index.search(QUERIES, **given))
    assert [[hit | {"score": np.float32(hit["score"])} for hit in hits] for hits in reply.json] == expected
    assert whole_server.post("/search", {"inputs": QUERIES[1]} | asked).json == reply.json[1:2]


def test_names_that_equal_a_query_come_first(whole_server: Running) -> None:
    """And say so."""
    ((best, *_),) = whole_server.post("/search", {"inputs": "  fever OF the heart"}).json
    assert (best["code"], best["name"], best["exact"], best["kept"]) == (
        "C3",
        "Fever of the heart",
        True,
        {"kind": "sign"},
    )


def test_stages_and_cuts_are_told(whole_server: Running) -> None:
    """As for vectors, and the scan beside."""
    reply = whole_server.post("/search", {"inputs": ["cat", "cat " * 40], "truncate": True})
    assert (reply.status, reply.headers["x-truncated-texts"]) == (200, "1")
    assert [part.partition(";")[0] for part in reply.headers["server-timing"].split(", ")] == [
        "tokenize",
        "queue",
        "run",
        "scan",
    ]


@pytest.mark.parametrize(
    ("asked", "status", "kind", "message"),
    [
        ({"inputs": []}, 400, "Empty", "no texts"),
        ({"inputs": ["a", " \t"]}, 400, "Empty", "query 1 is empty: give a text to look for"),
        ({"inputs": "cat " * 40}, 413, "Validation", "text 0 has 42 tokens, the limit is 16"),
        ({"inputs": "a", "top": 0}, 422, "Validation", "top: "),
        ({"inputs": "a", "top": True}, 422, "Validation", "top: "),
        ({"inputs": "a", "top": 13}, 422, "Validation", "top is 13, the index has 12 rows: ask for fewer"),
        ({"inputs": "a", "top": 2**70}, 422, "Validation", "top: "),
        (
            {"inputs": "a", "where": {"secret": "a"}},
            422,
            "Validation",
            "the index doesn't keep, it has values of kind alone",
        ),
        ({"inputs": "a", "where": {"kind": 3}}, 422, "Validation", "where.kind: expected a string or a list"),
        ({"inputs": "a", "where": ["kind"]}, 422, "Validation", "where: "),
        ({"inputs": "a", "min_score": 1.5}, 422, "Validation", "min_score: "),
        ({"inputs": "a", "min_score": "1"}, 422, "Validation", "min_score: "),
        ({"inputs": "a", "limit": 3}, 422, "Validation", "limit is not known here"),
        ({"inputs": 3}, 422, "Validation", "expected a string or a list of strings"),
    ],
)
def test_what_is_refused(whole_server: Running, asked: dict[str, Any], status: int, kind: str, message: str) -> None:
    """In a line with both values, and no word of the request."""
    reply = whole_server.post("/search", asked)
    assert (reply.status, reply.json["error_type"]) == (status, kind)
    assert message in reply.json["error"]
    assert "secret" not in reply.json["error"]


def test_names_of_codes(whole_server: Running, index: Index) -> None:
    """All of each, in order; none of one that isn't there."""
    codes = ["C3", "c3", "C3", "C5"]
    reply = whole_server.post("/lookup", {"codes": codes})
    assert reply.json == as_json([index.lookup(code) for code in codes])
    assert [len(hits) for hits in reply.json] == [3, 0, 3, 1]
    assert whole_server.post("/lookup", {"codes": "C3"}).json == reply.json[:1]


def test_names_of_codes_are_bounded(serving: Serving, tiny_index: Path) -> None:
    """As the hits of a search are."""
    server = serving(index=tiny_index, limits=Limits(hits=4, texts=3))
    assert server.post("/lookup", {"codes": ["C3", "C4"]}).status == 200
    reply = server.post("/lookup", {"codes": ["C3", "C1"]})
    assert (reply.status, reply.json["error"]) == (
        413,
        "the codes have more than 4 names, the limit: send several requests",
    )
    assert "4 texts, the limit is 3" in server.post("/lookup", {"codes": ["a"] * 4}).json["error"]
    assert server.post("/lookup", {"codes": []}).json["error_type"] == "Empty"


def test_an_index_without_codes(serving: Serving, embedder: Embedder, tmp_path: Path) -> None:
    """Has names to search for, and says that it has no codes; it may be smaller than a usual answer."""
    Index.build(embedder, ["cat", "dog"], tmp_path / "pets.index")
    server = serving(index=tmp_path / "pets.index")
    (hits,) = server.post("/search", {"inputs": "dog"}).json
    assert [(hit["code"], hit["name"], hit["kept"]) for hit in hits] == [(None, "dog", {}), (None, "cat", {})]
    reply = server.post("/lookup", {"codes": "C1"})
    assert (reply.status, reply.json["error"]) == (422, "the index has no codes: ask /search for names")
    assert server.get("/info").json["index"]["codes"] is None
    reply = server.post("/search", {"inputs": "dog", "where": {"kind": "wound"}})
    assert reply.json["error"].endswith("it has values of none: leave it out")


@pytest.mark.parametrize(("path", "body"), [("/search", {"inputs": "a"}), ("/lookup", {"codes": "a"})])
def test_a_server_without_an_index(tiny_server: Running, path: str, body: object) -> None:
    """Says how to get one."""
    reply = tiny_server.post(path, body)
    assert (reply.status, reply.json["error_type"]) == (404, "NotFound")
    assert reply.json["error"].endswith("start it with --index INDEX")
    assert tiny_server.get("/info").json["index"] is None


def test_what_is_searched_is_told(whole_server: Running, index: Index) -> None:
    """To whoever asks, and to whoever reads the documentation."""
    assert whole_server.get("/info").json["index"] == {
        "rows": 12,
        "codes": 9,
        "columns": ["kind"],
        "fingerprint": index.fingerprint,
    }
    operation = whole_server.get("/openapi.json").json["paths"]["/search"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert {*schema["properties"]} == {"inputs", "top", "where", "min_score", "all_names", "rerank", "truncate"}


def test_another_artifacts_index_is_refused(tiny: Path, tiny_index: Path, tmp_path: Path, biolord: Biolord) -> None:
    """Before anything is listened at, with both fingerprints; as is what is no index."""
    other = write_tiny_artifact(tmp_path / "other")
    threads = threading.active_count()
    with pytest.raises(ArtifactError, match=r"holds vectors of .* with fingerprint \w+.*, the queries would be of"):
        Services.open(ServerSettings(str(other), index=str(tiny_index), threads=1))
    wait_for(lambda: threading.active_count() <= threads)
    biolord("serve", tiny, "--index", tmp_path, "--port", 0).assert_error(f"{tmp_path} is no index")


def test_a_worker_that_starts_later_searches_the_same_or_nothing(tiny: Path, tiny_index: Path) -> None:
    """An index that took the other's place meanwhile is refused."""
    with pytest.raises(ArtifactError, match=r"holds the index with fingerprint \w+.*, expected 000"):
        Services.open(ServerSettings(str(tiny), index=str(tiny_index), threads=1, index_fingerprint="0" * 64))


def test_hits_are_bounded(serving: Serving, tiny_index: Path) -> None:
    """Those of a query, and of all queries together."""
    server = serving(index=tiny_index, limits=Limits(hits=10, top=6))
    assert "top is 7, the limit is 6: ask for fewer" in server.post("/search", {"inputs": "a", "top": 7}).json["error"]
    assert server.post("/search", {"inputs": ["a", "b"], "top": 5}).status == 200
    reply = server.post("/search", {"inputs": ["a", "b", "c"], "top": 5})
    assert (reply.status, reply.json["error_type"]) == (413, "Validation")
    assert reply.json["error"] == "3 queries with top 5 ask for 15 hits, the limit is 10: send several requests"


def searching(server: Running) -> SearchService:
    """Return what searches there."""
    assert server.services.search is not None
    return server.services.search


@contextmanager
def held_scans(server: Running, error: BaseException | None = None) -> Iterator[threading.Event]:
    """Let scans begin, and end when they are let go."""
    search = searching(server)
    gate, inner = threading.Event(), search.scanner._scan

    def scan(wish: Wish, texts: Sequence[str], vectors: NDArray[np.float32]) -> Sequence[list[Hit]]:
        assert gate.wait(PATIENCE)
        if error is not None:
            raise error
        return inner(wish, texts, vectors)

    search.scanner._scan = scan
    try:
        yield gate
    finally:
        gate.set()


def in_threads(server: Running, bodies: Sequence[object]) -> list[threading.Thread]:
    """Search in threads."""
    threads = [threading.Thread(target=server.post, args=("/search", body)) for body in bodies]
    for thread in threads:
        thread.start()
    return threads


def test_a_scan_keeps_nobody_elses_vectors_waiting(serving: Serving, tiny_index: Path) -> None:
    """Neither the event loop nor the batcher knows of it; queries that come meanwhile are scanned together."""
    server = serving(index=tiny_index)
    with held_scans(server) as gate:
        threads = in_threads(server, [{"inputs": "a"}] * 4)
        wait_for(lambda: searching(server).room.held == 4)
        assert server.post("/embed", {"inputs": "fever"}).status == 200
        assert "biolord_queue_queries 4.0" in server.get("/metrics").body.decode()
        gate.set()
        for thread in threads:
            thread.join()
    text = server.get("/metrics").body.decode()
    scans = float(text.split("biolord_scan_queries_count ")[1].split("\n")[0])
    assert scans < 4
    for line in (
        "biolord_scan_queries_sum 4.0",
        "biolord_queue_queries 0.0",
        'biolord_requests_total{route="/search",status="200"} 4.0',
        'biolord_stage_seconds_count{stage="scan"} 4.0',
    ):
        assert line in text


def test_a_full_queue(serving: Serving, tiny_index: Path) -> None:
    """Is told, and when to come back."""
    server = serving(index=tiny_index, limits=Limits(queue_queries=2))
    with held_scans(server):
        threads = in_threads(server, [{"inputs": ["a"] * 5}])
        wait_for(lambda: searching(server).room.held == 5)
        reply = server.post("/search", {"inputs": "a"})
        assert (reply.status, reply.json["error_type"], reply.headers["retry-after"]) == (429, "Overloaded", "2")
        assert reply.json["error"] == "5 queries wait, 1 more would exceed 2: try again"
    for thread in threads:
        thread.join()
    assert server.post("/search", {"inputs": "a"}).status == 200


def test_a_search_takes_no_longer_than_it_may(serving: Serving, tiny_index: Path) -> None:
    """Its queries leave their room."""
    server = serving(index=tiny_index, limits=Limits(timeout_s=1))
    with held_scans(server):
        reply = server.post("/search", {"inputs": "a"})
        assert (reply.status, reply.json["error_type"]) == (503, "Unhealthy")
        assert searching(server).room.held == 0
    assert server.post("/search", {"inputs": "a"}).status == 200


def test_who_hangs_up_leaves_the_queue(serving: Serving, tiny_index: Path) -> None:
    """While texts wait to be embedded."""
    server = serving(index=tiny_index)
    held = Held(server)
    data = b'{"inputs": "a"}'
    head = b"POST /search HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(data)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(head + data)
        wait_for(lambda: searching(server).room.held == 1)
    wait_for(lambda: searching(server).room.held == 0)
    held.gate.set()


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ArtifactError("names.texts is damaged"), 424, "the search failed: names.texts is damaged"),
        (ZeroDivisionError("secret"), 424, "the server failed: ZeroDivisionError"),
    ],
)
def test_a_failed_scan(serving: Serving, tiny_index: Path, error: Exception, status: int, message: str) -> None:
    """Is the server's fault, and the next one isn't harmed."""
    server = serving(index=tiny_index)
    inner = searching(server).scanner._scan
    with held_scans(server, error) as gate:
        gate.set()
        reply = server.post("/search", {"inputs": "a"})
        assert (reply.status, reply.json["error"]) == (status, message)
    searching(server).scanner._scan = inner
    assert server.post("/search", {"inputs": "a"}).status == 200
    assert server.get("/health").status == 200


def test_a_dead_thread_is_noticed(serving: Serving, tiny_index: Path) -> None:
    """By whoever watches the server."""
    server = serving(index=tiny_index)
    searching(server).scanner.close()
    assert server.get("/health").status == 503


def test_searches_of_many_clients(whole_server: Running, index: Index) -> None:
    """Each gets its own hits, whatever was scanned together."""
    found: dict[int, Any] = {}
    bodies = [{"inputs": QUERIES[number % 5 :] * (1 + number), "top": 1 + number % 3} for number in range(24)]

    def ask(number: int) -> None:
        found[number] = whole_server.post("/search", bodies[number]).json

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, body in enumerate(bodies):
        hits = index.search(body["inputs"], top=body["top"])  # type: ignore[arg-type]
        assert [[hit["row"] for hit in some] for some in found[number]] == [[hit.row for hit in some] for some in hits]


@pytest.mark.parametrize("asked", [{"rerank": 5}, {"rerank": 50}, {"rerank": 3, "top": 9, "all_names": True}])
def test_hits_are_put_in_order(whole_server: Running, index: Index, tiny_reranker: Path, asked: dict[str, Any]) -> None:
    """As rerank_hits does for everybody: with the cross-encoder's scores beside the cosines."""
    queries, top, first = ["cat scratch", "bite", "cat"], asked.get("top", 10), asked["rerank"]
    reply = whole_server.post("/search", {"inputs": queries} | asked)
    found = index.search(queries, top=max(top, min(first, 12)), all_names=asked.get("all_names", False))
    with Reranker.load(tiny_reranker, threads=1) as reranker, warnings.catch_warnings(record=True) as cuts:
        warnings.simplefilter("always", TruncationWarning)
        expected = [
            [asdict(one.hit) | {"rerank_score": one.rerank_score} for one in rerank_hits(reranker, query, hits, first)]
            for query, hits in zip(queries, found, strict=True)
        ]
    assert len(reply.json) == 3
    for some, hits in zip(reply.json, expected, strict=True):
        assert [rounded(hit) for hit in some] == [rounded(hit) for hit in hits[:top]]
    assert any(hits != sorted(hits, key=lambda hit: -hit["score"]) for hits in reply.json)
    assert reply.headers["server-timing"].split(", ")[-1].startswith("rerank;dur=")
    assert int(reply.headers["x-truncated-texts"]) == sum(int(str(cut.message).split()[0]) for cut in cuts)


def rounded(hit: dict[str, Any]) -> dict[str, Any]:
    """Round scores to the float32 that they are."""
    scores = {name: None if hit[name] is None else np.float32(hit[name]) for name in ("score", "rerank_score")}
    return hit | scores


def test_what_cannot_be_put_in_order(
    whole_server: Running, serving: Serving, tiny_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a cross-encoder, or when it fails."""
    reply = serving(index=tiny_index).post("/search", {"inputs": "a", "rerank": 5})
    assert (reply.status, reply.json["error"]) == (
        404,
        "this server has no reranker: start it with --reranker ARTIFACT",
    )

    def fail(*_: object) -> None:
        raise BiolordError("out of memory")

    monkeypatch.setattr(Reranker, "score_with_info", fail)
    reply = whole_server.post("/search", {"inputs": "a", "rerank": 5})
    assert (reply.status, reply.json["error"]) == (424, "the graph failed: out of memory")
