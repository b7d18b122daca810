"""Bodies that would cost more than they may: counted as they come, read a few at a time."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from biolord_onnx.server.limits.sizes import STEP, JsonSizes, Most
from biolord_onnx.server.problems import ApiError
from biolord_onnx.server.routes.bodies import LARGE, read_body
from biolord_onnx.server.routes.schemas import Body
from biolord_onnx.server.settings import Limits
from server.clients import QUERY, deaf_clients, wait_until_alone
from server.fixtures import Running, Serving
from unit.runtime.command import PATIENCE

VALUES = st.recursive(
    st.none() | st.integers() | st.text(st.characters(codec="utf-8") | st.sampled_from('"\\[]{},')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs": "a", "x": [' + b"[]," * 5_200_000 + b"[]]}",
        b'{"inputs": "a", "x": [' + b"1," * 7_000_000 + b"1]}",
        b'{"inputs": "a", "x": [' + b'"\\"",' * 3_000_000 + b"1]}",
        b"{" + b'"":{},' * 2_600_000 + b'"inputs": "a"}',
        b"[" * 15_000_000,
    ],
    ids=["lists", "numbers", "strings", "objects", "depth"],
)
def test_bodies_full_of_values_cost_nothing(tiny_server: Running, body: bytes) -> None:
    """They are refused before they are here."""
    head = b"POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", tiny_server.port), timeout=PATIENCE) as connection:
        connection.sendall(head + body[:1_000_000])  # and the rest is not waited for
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    assert tiny_server.post("/embed", QUERY).status == 200


def test_memory_of_a_refused_body_is_given_back(tiny_server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was here, however soon it was refused."""
    planned: list[bool] = []
    monkeypatch.setattr(tiny_server.service.trimmer, "plan", lambda: planned.append(True))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"[" * (LARGE + 1), "more_body": True}

    async def read() -> None:
        request = Request({"type": "http", "headers": []}, receive)
        async with read_body(request, Body, tiny_server.service):
            pytest.fail("it was taken")

    with pytest.raises(ApiError, match="the limit is 3048"):
        asyncio.run(read())
    assert planned == [True]


@given(VALUES, st.integers(1, 9))
def test_values_are_counted_as_they_are(value: object, step: int) -> None:
    """In parts of any size, whatever stands in strings."""
    document = orjson.dumps({"a": value}, option=orjson.OPT_NON_STR_KEYS) if _fits(value) else b"{}"
    whole, parts = JsonSizes(Most(10**9, 10**9, 10**9, 10**9)), JsonSizes(Most(10**9, 10**9, 10**9, 10**9))
    whole.feed(document)
    for start in range(0, len(document), step):
        parts.feed(document[start : start + step])
    counted = (whole._quotes, whole._containers, whole._commas)
    assert counted == (parts._quotes, parts._containers, parts._commas)
    if document != b"{}":
        strings, containers, members = _counts({"a": value})
        assert counted == (2 * strings, containers, members)


def _fits(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_fits, value))
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _counts(value: object) -> tuple[int, int, int]:
    """Strings, containers, and commas."""
    if isinstance(value, str):
        return 1, 0, 0
    if not isinstance(value, list | dict):
        return 0, 0, 0
    inner = [_counts(one) for one in (value.values() if isinstance(value, dict) else value)]
    keys = len(value) if isinstance(value, dict) else 0
    strings, containers, commas = (sum(one[place] for one in inner) for place in range(3))
    return strings + keys, containers + 1, commas + max(0, len(value) - 1)


@given(st.integers(0, 4), st.integers(0, 4))
def test_backslashes_at_the_end_of_a_step(before: int, run: int) -> None:
    """A pair may be cut in two."""
    document = b'["' + b"a" * (STEP - 4 + before) + b"\\\\" * run + b'\\"[",[]]'
    sizes = JsonSizes(Most(10, 2, 10, 10**9))
    sizes.feed(document)
    assert (sizes._quotes, sizes._containers) == (2, 2)
    with pytest.raises(ApiError, match="3 lists and objects or more, the limit is 2"):
        sizes.feed(b"[")


@given(
    st.lists(st.sampled_from(["a", "\u00e9", "\u5fc3", "\U0001f912", "\n", "\\"]), min_size=1, max_size=4).map("".join),
    st.booleans(),
)
def test_a_text_within_the_limit_is_never_too_long(alphabet: str, escaped: bool) -> None:
    """However its characters are written; one that is much longer is refused before its end."""
    text = (alphabet * 60_000)[:60_000]
    JsonSizes(Most(10, 10, 10, 60_000)).feed(json.dumps({"inputs": text}, ensure_ascii=escaped).encode())
    if not escaped and "\n" not in text and "\\" not in text:
        half = json.dumps({"inputs": 3 * text}, ensure_ascii=False).encode()[:-100]
        with pytest.raises(ApiError, match=r"[67]\d{4} characters in a text or more, the limit is 60000"):
            JsonSizes(Most(10, 10, 10, 60_000)).feed(half)


def test_long_texts(serving: Serving) -> None:
    """One is bounded, for it is tokenized in one go; so are all texts of a request for tokens, for the answer is."""
    server = serving(limits=Limits(text_characters=1000))
    assert (
        "text 1 has 1001 characters, the limit is 1000"
        in server.post("/embed", {"inputs": ["a", "b" * 1001]}).json["error"]
    )
    reply = server.post("/tokenize", {"inputs": ["a" * 600] * 2})
    assert (reply.status, reply.json["error"]) == (
        413,
        "the request has 1200 characters, the limit is 1000: send several",
    )
    assert server.post("/embed", {"inputs": ["a " * 400] * 100, "truncate": True}).status == 200


def test_large_bodies_are_few_at_a_time(serving: Serving) -> None:
    """Further ones wait, and of these not many; small requests pass."""
    server = serving()
    part = b"POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900000\r\n\r\n" + b" " * 200_000
    with deaf_clients(server, 4 + 16, part):
        while server.service.admission._large_waiting < 16:
            time.sleep(0.005)
        reply = server.post("/embed", b" " * 300_000 + b'{"inputs": "a"}')
        assert (reply.status, reply.headers["retry-after"]) == (429, "1")
        assert server.post("/embed", QUERY).status == 200
        server.service.admission.stop()
    wait_until_alone(server)


def test_large_bodies_must_come(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    """They keep others waiting."""
    monkeypatch.setattr("biolord_onnx.server.routes.bodies.GRACE_S", -0.5)
    monkeypatch.setattr("biolord_onnx.server.routes.bodies.SLOWEST", 200_000)
    part = b"POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900000\r\n\r\n" + b" " * 200_000
    reply = serving().raw(part)
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert b"less than 200000 bytes a second" in reply


@pytest.mark.parametrize("path", ["/embed", "/v1/embeddings"])
def test_compressed_bodies(tiny_server: Running, path: str) -> None:
    """The message tells what is wrong, with the header and without."""
    data = gzip.compress(b'{"inputs": "a", "input": "a"}')
    for headers in ({"content_encoding": "gzip"}, {}):
        reply = tiny_server.post(path, data, **headers)
        assert reply.status == 415
        assert b"the body is compressed" in reply.body
        assert b"gzip" in reply.body
