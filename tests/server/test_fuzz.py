"""Bodies that nobody would write: none is the server's fault, and each is answered in a line."""

from __future__ import annotations

import json

import pytest

from hostile.fuzzing import cases, mutate_json
from server.fixtures import Running

CASES = 200
BODIES: dict[str, dict[str, object]] = {
    "/embed": {"inputs": ["cat", "dog bite"], "normalize": True, "truncate": True, "dimensions": 64},
    "/v1/embeddings": {"input": ["cat", "dog bite"], "encoding_format": "base64", "dimensions": 64, "model": "any"},
    "/tokenize": {"inputs": ["cat", "dog bite"], "add_special_tokens": True},
    "/similarity": {
        "inputs": {"source_sentence": "cat", "sentences": ["dog bite", "fever"]},
        "parameters": {"truncate": True, "truncation_direction": "Right"},
    },
    "/search": {
        "inputs": ["cat", "dog bite"],
        "top": 3,
        "where": {"kind": ["wound", "sign"]},
        "min_score": 0.5,
        "all_names": True,
        "rerank": 4,
        "truncate": True,
    },
    "/lookup": {"codes": ["C1", "C3"]},
    "/rerank": {
        "query": "cat",
        "texts": ["dog bite", "fever"],
        "truncate": True,
        "raw_scores": True,
        "return_text": True,
    },
    "/v1/rerank": {
        "query": "cat",
        "documents": ["dog bite", {"text": "fever"}],
        "top_n": 1,
        "return_documents": True,
        "max_tokens_per_doc": 4096,
        "model": "any",
    },
}


@pytest.mark.parametrize("path", BODIES)
def test_no_body_is_the_servers_fault(whole_server: Running, path: str) -> None:
    """Neither 5xx nor 424, by which text-embeddings-inference tells that the model failed."""
    assert whole_server.post(path, BODIES[path]).status == 200
    whole = json.dumps(BODIES[path])
    seen = set()
    for name, chance in cases(17, CASES):
        reply = whole_server.post(path, mutate_json(whole, chance).encode())
        assert reply.status in {200, 400, 413, 422}, (name, reply.body)
        if reply.status != 200:
            said = reply.json["error"]
            said = said["message"] if path.startswith("/v1/") else said
            assert "\n" not in said, name
            assert len(said) < 300, name
        seen.add(reply.status)
    assert {200, 400} <= seen
    assert whole_server.get("/health").status == 200
