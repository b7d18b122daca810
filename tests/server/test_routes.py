"""What the routes answer, over a real connection."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.embedder import Embedder
from biolord_onnx.server.settings import ServerSettings
from biolord_onnx.session import kernels
from server.fixtures import Running, Serving, run_server
from unit.runtime.compiled_artifact import SIZES
from unit.runtime.tiny_artifact import DIM, MAX_LENGTH, write_tiny_artifact

TEXTS = ["cat scratch", "dog bite", "", "fever of the heart", "cat scratch", "日本 🤒"]


def test_openai_vectors_are_the_librarys_unit_vectors(tiny_server: Running, embedder: Embedder) -> None:
    """Bit by bit, in order, with the tokens counted."""
    reply = tiny_server.post("/v1/embeddings", {"model": "any", "input": TEXTS, "user": "ignored"})
    assert reply.status == 200
    found = reply.json
    assert [row["index"] for row in found["data"]] == list(range(len(TEXTS)))
    vectors = np.array([row["embedding"] for row in found["data"]], dtype=np.float32)
    np.testing.assert_array_equal(vectors, embedder.encode(TEXTS, normalize=True))
    tokens = int(np.sum(embedder.count_tokens(TEXTS)))
    assert found["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert (found["object"], found["model"]) == ("list", "tiny-cpu-int8")
    assert {part.partition(";")[0] for part in reply.headers["server-timing"].split(", ")} == {
        "tokenize",
        "queue",
        "run",
    }


def test_base64_is_the_same_numbers(tiny_server: Running, embedder: Embedder) -> None:
    """As little-endian float32."""
    asked = {"input": "fever", "encoding_format": "base64", "dimensions": SIZES.dim}
    found = tiny_server.post("/v1/embeddings", asked).json
    vector = np.frombuffer(base64.b64decode(found["data"][0]["embedding"]), dtype="<f4")
    np.testing.assert_array_equal(vector, embedder.encode("fever", normalize=True))


@pytest.mark.parametrize("form", ["one", "several"])
def test_token_ids_give_the_texts_vectors(tiny_server: Running, embedder: Embedder, form: str) -> None:
    """Those that /tokenize gives, of one text or of several."""
    rows = tiny_server.post("/tokenize", {"inputs": ["cat scratch", "fever"]}).json
    ids = [[token["id"] for token in row] for row in rows]
    found = tiny_server.post("/v1/embeddings", {"input": ids[0] if form == "one" else ids}).json["data"]
    expected = embedder.encode(["cat scratch", "fever"], normalize=True)
    np.testing.assert_array_equal(
        np.array([row["embedding"] for row in found], dtype=np.float32), expected[: len(found)]
    )
    assert len(found) == (1 if form == "one" else 2)


@pytest.mark.parametrize("path", ["/embed", "/"])
@pytest.mark.parametrize("normalize", [True, False, None])
def test_embed_answers_with_bare_vectors(
    tiny_server: Running, embedder: Embedder, path: str, normalize: bool | None
) -> None:
    """Of length 1 unless told otherwise; the hub's clients ask at the root."""
    extra = {} if normalize is None else {"normalize": normalize}
    found = tiny_server.post(path, {"inputs": TEXTS} | extra)
    expected = embedder.encode(TEXTS, normalize=normalize is not False)
    np.testing.assert_array_equal(np.array(found.json, dtype=np.float32), expected)
    alone = tiny_server.post(path, {"inputs": TEXTS[0]} | extra)
    np.testing.assert_array_equal(np.array(alone.json, dtype=np.float32), expected[:1])


def test_truncation_is_asked_for_and_told(tiny_server: Running, embedder: Embedder, serving: Serving) -> None:
    """Refused by default, in each interface's words; cut on demand, with the number in a header."""
    long = "cat " * 40
    wrong = f"text 1 has 42 tokens, the limit is {MAX_LENGTH} (1 of 2 texts are longer)"
    reply = tiny_server.post("/embed", {"inputs": ["a", long]})
    assert (reply.status, reply.json["error_type"]) == (413, "Validation")
    assert wrong in reply.json["error"]
    reply = tiny_server.post("/v1/embeddings", {"input": ["a", long]})
    assert (reply.status, reply.json["error"]["code"]) == (400, "context_length_exceeded")
    assert wrong in reply.json["error"]["message"]
    with pytest.warns(UserWarning, match="1 of 2 texts"):
        expected = embedder.encode(["a", long], normalize=True)
    for server, extra in ((tiny_server, {"truncate": True}), (serving(auto_truncate=True), {})):
        reply = server.post("/embed", {"inputs": ["a", long], **extra})
        assert reply.headers["x-truncated-texts"] == "1"
        np.testing.assert_array_equal(np.array(reply.json, dtype=np.float32), expected)
        assert "biolord_truncated_texts_total" in server.get("/metrics").body.decode()


def test_tokens_are_told_with_their_places(tiny_server: Running) -> None:
    """Special ones have none; they can be left out."""
    (row,) = tiny_server.post("/tokenize", {"inputs": "cat  scratch"}).json
    assert [token["text"] for token in row] == ["<s>", "cat", "scratch", "</s>"]
    assert [token["special"] for token in row] == [True, False, False, True]
    assert (row[0]["start"], row[2]["start"], row[2]["stop"]) == (None, 5, 12)
    (bare,) = tiny_server.post("/tokenize", {"inputs": "cat  scratch", "add_special_tokens": False}).json
    assert bare == row[1:3]
    assert tiny_server.post("/tokenize", {"inputs": "", "add_special_tokens": False}).json == [[]]


def test_tokens_of_long_texts(tiny_server: Running) -> None:
    """They are written some at a time; none is lost or stands twice."""
    (row,) = tiny_server.post("/tokenize", {"inputs": "cat " * 600}).json
    assert [token["text"] for token in row] == ["<s>", *["cat"] * 600, "</s>"]
    assert [token["start"] for token in row[1:-1]] == [*range(0, 2400, 4)]


def test_info_and_models(tiny_server: Running) -> None:
    """What runs, in the words of text-embeddings-inference, and in OpenAI's."""
    info = tiny_server.get("/info").json
    assert info["model_type"] == {"embedding": {"pooling": "mean"}}
    assert (info["max_input_length"], info["dim"], info["provider"]) == (MAX_LENGTH, SIZES.dim, "cpu")
    assert (info["requires"], info["kernels"]) == ({"operators": {"biolord": 1}}, kernels.chosen())
    assert [model["id"] for model in tiny_server.get("/v1/models").json["data"]] == ["tiny-cpu-int8"]


def test_artifacts_of_other_operators_are_served(tmp_path: Path) -> None:
    """Without a word of kernels."""
    with run_server(ServerSettings(str(write_tiny_artifact(tmp_path / "tiny")), threads=2)) as running:
        info = running.get("/info").json
        assert (info["requires"], info["kernels"]) == ({"operators": {}}, None)
        assert len(running.post("/embed", {"inputs": "cat"}).json[0]) == DIM


def test_one_model_is_described(tiny_server: Running) -> None:
    """By its id alone; another is told from a wrong path."""
    assert tiny_server.get("/v1/models/tiny-cpu-int8").json == tiny_server.get("/v1/models").json["data"][0]
    reply = tiny_server.get("/v1/models/text-embedding-3/small")
    assert (reply.status, reply.json["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("name", ["encoding_format", "dimensions", "truncate", "model", "user"])
def test_null_stands_for_what_is_not_there(tiny_server: Running, name: str) -> None:
    """As many clients write it."""
    assert tiny_server.post("/v1/embeddings", {"input": "a", name: None}).json == (
        tiny_server.post("/v1/embeddings", {"input": "a"}).json
    )


@pytest.mark.parametrize("name", ["normalize", "truncate", "truncation_direction", "prompt_name", "dimensions", "x"])
def test_null_stands_for_what_is_not_there_in_the_other_interface(tiny_server: Running, name: str) -> None:
    """Likewise, and for members that are not known."""
    expected = tiny_server.post("/embed", {"inputs": "a"}).json
    assert tiny_server.post("/embed", {"inputs": "a", name: None}).json == expected
    assert tiny_server.post("/tokenize", {"inputs": "a", "add_special_tokens": None}).status == 200


@pytest.mark.parametrize("name", ["prompt", "truncate_prompt_tokens", "input_type", "output_dtype", "x" * 5000, "a b"])
@pytest.mark.parametrize("path", ["/embed", "/v1/embeddings", "/tokenize"])
def test_what_would_change_the_answer_is_not_ignored(tiny_server: Running, path: str, name: str) -> None:
    """Members that are not known are refused, but for those that do no harm."""
    texts = "input" if path.startswith("/v1") else "inputs"
    reply = tiny_server.post(path, {texts: "a", name: 1})
    assert reply.status in {400, 422}
    assert b"not known here" in reply.body
    assert len(reply.body) < 300
    assert tiny_server.post(path, {texts: "a", "user": "me", "model": "any", "options": {}}).status == 200


def test_dimensions_are_the_first_of_a_vector(tiny_server: Running, embedder: Embedder) -> None:
    """On both interfaces, of length 1 after the cut; more than there are is refused."""
    whole, raw = (embedder.encode("fever", normalize=unit) for unit in (True, False))
    cut = embedder.encode("fever", truncate_dim=8, normalize=True)
    for dimensions, expected in ((SIZES.dim, whole), (8, cut)):
        found = tiny_server.post("/embed", {"inputs": "fever", "dimensions": dimensions}).json[0]
        np.testing.assert_array_equal(np.array(found, np.float32), expected)
        found = tiny_server.post("/v1/embeddings", {"input": "fever", "dimensions": dimensions}).json["data"][0]
        np.testing.assert_array_equal(np.array(found["embedding"], np.float32), expected)
    found = tiny_server.post("/embed", {"inputs": "fever", "dimensions": 8, "normalize": False}).json[0]
    np.testing.assert_array_equal(np.array(found, np.float32), raw[:8])
    for path, texts in (("/embed", "inputs"), ("/v1/embeddings", "input")):
        for dimensions in (0, -1, SIZES.dim + 1):
            reply = tiny_server.post(path, {texts: "a", "dimensions": dimensions})
            assert reply.status in {400, 422}
            assert f"dimensions is {dimensions}, this model's vectors have 64".encode() in reply.body


def test_vectors_may_be_cut_for_all(serving: Serving, embedder: Embedder, tiny_index: Path) -> None:
    """As ``embed --truncate-dim`` cuts them; requests may ask for fewer numbers, and an index is searched with all."""
    server = serving(truncate_dim=8, index=tiny_index)
    for asked, width in ((None, 8), (8, 8), (4, 4)):
        expected = embedder.encode("fever", truncate_dim=width, normalize=True)
        found = server.post("/embed", {"inputs": "fever", "dimensions": asked}).json[0]
        np.testing.assert_array_equal(np.array(found, np.float32), expected)
        found = server.post("/v1/embeddings", {"input": "fever", "dimensions": asked}).json["data"][0]["embedding"]
        np.testing.assert_array_equal(np.array(found, np.float32), expected)
    assert (
        b"dimensions is 9, this model's vectors have 8" in server.post("/embed", {"inputs": "a", "dimensions": 9}).body
    )
    assert server.get("/info").json["dim"] == 8
    assert server.post("/search", {"inputs": "fever"}).status == 200


def test_pairs_of_texts_are_refused(tiny_server: Running) -> None:
    """In one line: the interface has texts alone."""
    for path, texts in (("/embed", "inputs"), ("/v1/embeddings", "input")):
        reply = tiny_server.post(path, {texts: [["title", "abstract"]]})
        assert reply.status in {400, 422}
        assert b"expected a string" in reply.body
        assert len(reply.body) < 300


def test_prompts_are_the_artifacts(prompted_server: Running, embedder: Embedder) -> None:
    """By name, its default where none is named; an unknown name is refused with those that there are."""
    for prompt_name, text in (("query", "cat of bite"), ("document", "bite"), (None, "fever: bite")):
        found = prompted_server.post("/embed", {"inputs": "bite", "prompt_name": prompt_name}).json[0]
        np.testing.assert_array_equal(np.array(found, np.float32), embedder.encode(text, normalize=True))
        tokens = prompted_server.post("/tokenize", {"inputs": "bite", "prompt_name": prompt_name}).json[0]
        assert len(tokens) == embedder.count_tokens(text)
    found = prompted_server.post("/v1/embeddings", {"input": "bite"}).json["data"][0]["embedding"]
    np.testing.assert_array_equal(np.array(found, np.float32), embedder.encode("fever: bite", normalize=True))
    for path in ("/embed", "/tokenize"):
        reply = prompted_server.post(path, {"inputs": "bite", "prompt_name": "x"})
        assert (reply.status, reply.json["error_type"]) == (422, "Validation")
        assert "prompt_name is 'x', the artifact has the prompts: 'query', 'document'" in reply.json["error"]
    info = prompted_server.get("/info").json
    assert (info["default_prompt_name"], info["prompts"]["query"]) == ("cluster", "cat of ")


def test_pages_elsewhere_may_read_how_many_were_cut(serving: Serving) -> None:
    """A browser shows them no header that isn't named."""
    reply = serving(cors_origins=("https://page.example",)).post(
        "/embed", {"inputs": "a"}, origin="https://page.example"
    )
    assert "x-truncated-texts" in reply.headers["access-control-expose-headers"]


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/live"])
def test_health(tiny_server: Running, path: str) -> None:
    """Once it answers, a vector was computed."""
    assert tiny_server.get(path).status == 200


def test_metrics_are_prometheus_text(serving: Serving) -> None:
    """Requests by route and status, texts, stages and runs."""
    server = serving()
    server.post("/embed", {"inputs": ["a", "b"]})
    server.post("/embed", {"inputs": []})
    server.get("/nowhere")
    text = server.get("/metrics").body.decode()
    for line in (
        'biolord_requests_total{route="/embed",status="200"} 1.0',
        'biolord_requests_total{route="/embed",status="400"} 1.0',
        'biolord_requests_total{route="other",status="404"} 1.0',
        "biolord_texts_total 2.0",
        'biolord_stage_seconds_count{stage="run"} 1.0',
        "biolord_queue_texts 0.0",
        'biolord_model_info{name="tiny-cpu-int8",provider="cpu",target="cpu-int8",threads="2"} 1.0',
    ):
        assert line in text
    assert float(text.split("biolord_run_tokens_count ")[1].split("\n")[0]) >= 2


def test_pages_ask_nobody_else(tiny_server: Running) -> None:
    """The page and the documentation work without a network: all that they load comes from here."""
    for path in ("/", "/docs"):
        page = tiny_server.get(path)
        assert page.headers["content-type"].startswith("text/html")
        assert b"http://" not in page.body
        assert b"https://" not in page.body
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert tiny_server.get(f"/docs/assets/{name}").status == 200
    document = tiny_server.get("/openapi.json").json
    schema = document["paths"]["/embed"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) >= {"inputs", "normalize", "truncate"}


def test_other_pages_may_ask_where_told(serving: Serving) -> None:
    """Cross-origin requests are refused unless their origin is named."""
    origin = "https://hospital.example"
    asked = {"origin": origin, "access_control_request_method": "POST"}
    assert serving().ask("OPTIONS", "/embed", **asked).status == 403
    assert serving(keys=("secret",)).ask("OPTIONS", "/embed", **asked, authorization="Bearer secret").status == 405
    reply = serving(cors_origins=(origin,), keys=("secret",)).ask("OPTIONS", "/embed", **asked)
    assert reply.headers["access-control-allow-origin"] == origin
