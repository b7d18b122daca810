"""text-embeddings-inference's comparison of one sentence with others."""

from __future__ import annotations

import numpy as np
import pytest
from huggingface_hub import InferenceClient

from biolord_onnx.embedder import Embedder
from biolord_onnx.server.settings import Limits
from server.fixtures import Running, Serving

SOURCE, OTHERS = "cat scratch", ["cat scratch", "dog bite", "", "日本 🤒"]


def body(source: object = SOURCE, sentences: object = OTHERS, **parameters: object) -> dict[str, object]:
    """A request."""
    return {"inputs": {"source_sentence": source, "sentences": sentences}, "parameters": parameters}


def test_cosines_are_the_librarys(tiny_server: Running, embedder: Embedder) -> None:
    """One for each sentence, in order, with the headers that vectors have."""
    reply = tiny_server.post("/similarity", body())
    vectors = embedder.encode([SOURCE, *OTHERS], normalize=True)
    np.testing.assert_allclose(np.float32(reply.json), vectors[1:] @ vectors[0], rtol=0, atol=1e-6)
    assert reply.headers["x-truncated-texts"] == "0"
    assert "run;dur=" in reply.headers["server-timing"]


def test_clients_of_the_hubs_inference(tiny_server: Running) -> None:
    """Their own library; parameters may be missing, or null."""
    client = InferenceClient()
    found = client.sentence_similarity(SOURCE, other_sentences=OTHERS, model=f"{tiny_server.url}/similarity")
    assert found == tiny_server.post("/similarity", body()).json
    for parameters in (None, {"truncate": None, "truncation_direction": "Right", "prompt_name": None}):
        assert tiny_server.post("/similarity", body() | {"parameters": parameters}).json == found


@pytest.mark.parametrize(
    ("asked", "status", "kind", "message"),
    [
        (body(sentences=[]), 400, "Empty", "inputs.sentences is empty"),
        (body(sentences="a"), 422, "Validation", "inputs.sentences: expected a list of strings"),
        (body(sentences=["a", 3]), 422, "Validation", "inputs.sentences: expected"),
        (body(source=["a"]), 422, "Validation", "inputs.source_sentence: "),
        (body(source=None), 422, "Validation", "inputs.source_sentence: "),
        ({"inputs": ["a", "b"]}, 422, "Validation", "inputs: "),
        ({"inputs": {"sentences": ["a"]}}, 422, "Validation", "inputs.source_sentence: Field required"),
        (body(prompt_name=1), 422, "Validation", "parameters.prompt_name: "),
        (body(prompt="query"), 422, "Validation", "a member of the body is not known here"),
        (body(truncation_direction="left"), 422, "Validation", "parameters.truncation_direction: "),
        (body(sentences=["a", "cat " * 40]), 413, "Validation", "text 2 has 42 tokens, the limit is 16"),
    ],
)
def test_what_is_refused(tiny_server: Running, asked: dict[str, object], status: int, kind: str, message: str) -> None:
    """In a line that repeats no word of the request."""
    reply = tiny_server.post("/similarity", asked)
    assert (reply.status, reply.json["error_type"]) == (status, kind)
    assert message in reply.json["error"]
    assert "query" not in reply.json["error"]


def test_long_sentences_are_cut_where_told(tiny_server: Running) -> None:
    """And counted."""
    reply = tiny_server.post("/similarity", body(sentences=["a", "cat " * 40], truncate=True))
    assert (reply.status, len(reply.json), reply.headers["x-truncated-texts"]) == (200, 2, "1")


def test_the_sentence_counts_among_the_texts(serving: Serving) -> None:
    """Against the limit of a request."""
    server = serving(limits=Limits(texts=2))
    assert server.post("/similarity", body(sentences=["a"])).status == 200
    assert "3 texts, the limit is 2" in server.post("/similarity", body(sentences=["a", "b"])).json["error"]


def test_prompts(prompted_server: Running) -> None:
    """Both sides get the prompt that is asked for, which must be one of the artifact's."""
    vectors = prompted_server.post("/embed", {"inputs": ["bite", "cat"], "prompt_name": "query"}).json
    (found,) = prompted_server.post("/similarity", body(source="bite", sentences=["cat"], prompt_name="query")).json
    assert found == pytest.approx(float(np.dot(*vectors)), abs=1e-6)
    reply = prompted_server.post("/similarity", body(prompt_name="x"))
    assert (reply.status, reply.json["error_type"]) == (422, "Validation")
    assert "the artifact has the prompts: 'query', 'document'" in reply.json["error"]
