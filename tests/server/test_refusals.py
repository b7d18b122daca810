"""What the server refuses: in whose words, with which status, and unharmed by it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from pathlib import Path

import pytest

from biolord_onnx.errors import BiolordError
from biolord_onnx.server.app import _Counted
from biolord_onnx.server.limits.gate import Message, Receive, Scope, Send
from biolord_onnx.server.settings import Limits, ServerSettings
from server.fixtures import Running, Serving, run_server
from unit.runtime.command import PATIENCE

pytestmark = pytest.mark.slow

DEEP = b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
MILLION = b'{"inputs": [' + b'"",' * 999_999 + b'""]}'


@pytest.fixture(autouse=True)
def unharmed(tiny_server: Running) -> None:
    """Look that the server answers before a test; the last one's harm would show."""
    assert tiny_server.post("/embed", {"inputs": "fever"}).status == 200


@pytest.mark.parametrize(
    ("body", "openai", "tei", "message"),
    [
        (b"[", (400, "invalid_body"), (400, "Validation"), "the body is not JSON in UTF-8"),
        (b"", (400, "invalid_body"), (400, "Validation"), "the body is not JSON in UTF-8"),
        (b'{"inputs": "\xff"}', (400, "invalid_body"), (400, "Validation"), "UTF-8"),
        (b'{"inputs": "\\ud800"}', (400, "invalid_body"), (400, "Validation"), "JSON"),
        (DEEP, (413, "request_too_large"), (413, "Validation"), "lists and objects or more, the limit is 3048"),
        (DEEP[99_000:101_011], (400, "invalid_body"), (400, "Validation"), "not JSON"),
        (b'{"inputs": NaN}', (400, "invalid_body"), (400, "Validation"), "not JSON"),
        (b"[]", (400, "invalid_value"), (422, "Validation"), "the body: "),
        (b"{}", (400, "invalid_value"), (422, "Validation"), "Field required"),
        (b'{"inputs": 3}', (400, "invalid_value"), (422, "Validation"), "expected a string"),
        (b'{"inputs": null}', (400, "invalid_value"), (422, "Validation"), "expected a string"),
        (b'{"inputs": ["a", 3]}', (400, "invalid_value"), (422, "Validation"), "a list of strings"),
        (b'{"inputs": [["a"]]}', (400, "invalid_value"), (422, "Validation"), "expected a string"),
        (b'{"inputs": []}', (400, "empty_input"), (400, "Empty"), "no texts"),
        (MILLION, (413, "request_too_large"), (413, "Validation"), "strings or more, the limit is 3048"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bodies(tiny_server: Running, body: bytes, openai: tuple[int, str], tei: tuple[int, str], message: str) -> None:
    """A wrong body gets an error of the client's fault on both interfaces."""
    reply = tiny_server.post("/v1/embeddings", body.replace(b"inputs", b"input"))
    assert (reply.status, reply.json["error"]["code"]) == openai
    assert message in reply.json["error"]["message"]
    reply = tiny_server.post("/embed", body)
    assert (reply.status, reply.json["error_type"]) == tei
    assert message in reply.json["error"]


@pytest.mark.parametrize("length", [6_000_000, 10**9])
def test_who_is_refused_while_it_sends_hears_why(tiny_server: Running, length: int) -> None:
    """However much of the body is still to come: a connection that is reset would lose the answer."""
    head = b"POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % length
    with socket.create_connection(("127.0.0.1", tiny_server.port), timeout=PATIENCE) as connection:
        connection.sendall(head + MILLION[:100_000])
        time.sleep(0.3)  # it is refused by now
        for _ in range(40):
            connection.sendall(MILLION[:100_000])
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"the limit is" in received


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": "a", "dimensions": 65}, "dimensions is 65, this model's vectors have 64: ask for 1 to 64"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format: "),
        ({"input": [1, 2, 3]}, "token ids 0 are not this model's"),
        ({"input": [[0, 5, 2], [0, 9999, 2]]}, "token ids 1 are not this model's (below "),
        ({"input": [[]]}, "token ids 0 are not this model's"),
        ({"input": [[0], "a"]}, "expected a string, a list of strings, or lists of token ids"),
        ({"input": [[0, True, 2]]}, "expected a string, a list of strings, or lists of token ids"),
        ({"input": [[0, *[5] * 15, 2]]}, "token ids 0 are 17, the limit is 16"),
    ],
)
def test_values_of_openai(tiny_server: Running, body: object, message: str) -> None:
    """Another model's token ids would give vectors that mean nothing."""
    reply = tiny_server.post("/v1/embeddings", body)
    assert reply.status == 400
    assert message in reply.json["error"]["message"]


def test_what_is_refused_is_not_repeated(tiny_server: Running) -> None:
    """No word of a request comes back: answers end up in logs."""
    for body in ({"inputs": ["a", {"diagnosis": "secret"}]}, {"inputs": "a", "truncate": "secret"}):
        assert b"secret" not in tiny_server.post("/embed", body).body


def test_paths_and_methods(tiny_server: Running) -> None:
    """In the interface's words, too."""
    assert tiny_server.get("/v1/nothing").json["error"]["code"] == "not_found"
    reply = tiny_server.get("/embed")
    assert (reply.status, reply.json["error_type"], reply.headers["allow"]) == (405, "MethodNotAllowed", "POST")


def test_sizes(serving: Serving) -> None:
    """Texts, characters and bytes, each with both numbers; a body is refused before it is read, or while it is."""
    server = serving(limits=Limits(texts=2, characters=10, body_bytes=1000))
    assert "3 texts, the limit is 2" in server.post("/embed", {"inputs": ["a"] * 3}).json["error"]
    assert "11 characters, the limit is 10" in server.post("/embed", {"inputs": "a" * 11}).json["error"]
    declared = server.raw(b"POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000000\r\n\r\n")
    assert declared.startswith(b"HTTP/1.1 413 ")
    assert b"100000000 bytes or more, the limit is 1000" in declared
    chunk = b"200\r\n" + b" " * 0x200 + b"\r\n"
    streamed = server.raw(b"POST /embed HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n" + 4 * chunk)
    assert streamed.startswith(b"HTTP/1.1 413 ")
    assert server.post("/embed", {"inputs": "a"}).status == 200


def test_slow_clients(serving: Serving) -> None:
    """A head, or a body, that doesn't come is not waited for."""
    server = serving(limits=Limits(header_s=0.3, timeout_s=0.5, write_s=2 * PATIENCE))
    for head in (b"POST /embed HT", b""):
        assert server.raw(head) == b""
    body = server.raw(b"POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{")
    assert body.startswith(b"HTTP/1.1 408 ")
    assert b"the body was not here after 0.5 s: 1 bytes came" in body


def test_a_second_head_has_its_time_too(serving: Serving) -> None:
    """On a connection that was used before."""
    server = serving(limits=Limits(header_s=1))
    request = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        for _ in range(2):
            connection.sendall(request)
            received = b""
            while not received.endswith(b"}"):
                received += connection.recv(65536)
            assert received.startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /hea")
        assert connection.recv(65536) == b""


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer ", "Basic one", "one"])
def test_keys(serving: Serving, header: str | None) -> None:
    """Any of the keys opens the door, nothing else does; health, page and documentation have none."""
    server = serving(keys=("one", "two"))
    given = {} if header is None else {"authorization": header}
    reply = server.post("/v1/embeddings", {"input": "a"}, **given)
    assert (reply.status, reply.json["error"]["code"]) == (401, "invalid_api_key")
    assert reply.headers["www-authenticate"] == "Bearer"
    for path in ("/info", "/metrics", "/v1/models"):
        assert server.get(path, **given).status == 401
    for path in ("/health", "/", "/docs", "/openapi.json"):
        assert server.get(path, **given).status == 200
    for key in ("one", "two"):
        assert server.post("/embed", {"inputs": "a"}, authorization=f"bearer {key}").status == 200


class Held:
    """A session whose runs wait until they are let go."""

    def __init__(self, server: Running, error: BaseException | None = None) -> None:
        self.gate = threading.Event()
        self.begun = threading.Semaphore(0)
        self.ran = 0
        batcher = server.service.batcher
        inner = batcher._session

        class Session:
            concurrency = inner.concurrency

            def run(_, *arguments: object, skipped: int) -> object:  # noqa: N805 - self is the outer one's
                self.begun.release()
                assert self.gate.wait(PATIENCE)
                self.ran += 1
                if error is not None:
                    raise error
                return inner.run(*arguments, skipped=skipped)  # type: ignore[arg-type]

        batcher._session = Session()  # type: ignore[assignment]


def ask_behind(server: Running, count: int, texts: int = 1) -> list[threading.Thread]:
    """Ask in threads."""
    threads = [
        threading.Thread(target=server.post, args=("/embed", {"inputs": ["fever"] * texts})) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    return threads


def keep_busy(server: Running, held: Held) -> list[threading.Thread]:
    """Give each of the two threads a run of its own."""
    threads = []
    for _ in range(2):
        threads += ask_behind(server, 1)
        assert held.begun.acquire(timeout=PATIENCE)
    return threads


def test_too_many_requests(serving: Serving) -> None:
    """The one too many is told so while the others run, and when to come back; health is answered all the same."""
    server = serving(limits=Limits(requests=2))
    held = Held(server)
    threads = keep_busy(server, held)
    reply = server.post("/embed", {"inputs": "a"})
    assert (reply.status, reply.json["error_type"], reply.headers["retry-after"]) == (429, "Overloaded", "1")
    assert server.get("/health").status == 200
    held.gate.set()
    for thread in threads:
        thread.join()
    assert server.post("/embed", {"inputs": "a"}).status == 200


def test_a_full_queue(serving: Serving) -> None:
    """Tokens count; an empty queue takes any request."""
    server = serving(limits=Limits(queue_tokens=30))
    assert server.post("/embed", {"inputs": ["fever"] * 100}).status == 200
    held = Held(server)
    threads = ask_behind(server, 1, texts=400)
    assert held.begun.acquire(timeout=PATIENCE)
    reply = server.post("/v1/embeddings", {"input": "fever"})
    assert (reply.status, reply.json["error"]["code"], reply.headers["retry-after"]) == (429, "overloaded", "2")
    held.gate.set()
    threads[0].join()


def test_a_request_takes_no_longer_than_it_may(serving: Serving) -> None:
    """Its texts leave the queue."""
    server = serving(limits=Limits(timeout_s=1))
    held = Held(server)
    reply = server.post("/embed", {"inputs": "a"})
    assert (reply.status, reply.json["error_type"]) == (503, "Unhealthy")
    assert "no answer after 1 s" in reply.json["error"]
    held.gate.set()
    while server.service.batcher.load.running:
        time.sleep(0.005)
    assert server.post("/embed", {"inputs": "a"}).status == 200  # vectors that came too late harm nobody


def test_who_hangs_up_leaves_the_queue(serving: Serving) -> None:
    """What was asked by a client that left isn't computed."""
    server = serving()
    held = Held(server)
    threads = keep_busy(server, held)
    body = b'{"inputs": ["cat", "fever"]}'
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        while not server.service.batcher.load.texts:
            time.sleep(0.005)
    while '"/embed",status="499"' not in server.get("/metrics").body.decode():
        time.sleep(0.005)
    held.gate.set()
    for thread in threads:
        thread.join()
    assert held.ran == 2


def test_a_query_runs_beside_long_texts(serving: Serving) -> None:
    """All threads are busy with what takes long: it waits for none of them, and gets the bits that it gets alone."""
    server = serving()
    alone = server.post("/embed", {"inputs": "cat"}).body
    inner = server.service.batcher._session
    held = Held(server)
    threads = keep_busy(server, held)
    server.service.batcher._session = inner  # the next runs go through, these two are still held
    assert server.post("/embed", {"inputs": "cat"}).body == alone
    assert held.ran == 0
    held.gate.set()
    for thread in threads:
        thread.join()


def test_a_failed_run(serving: Serving) -> None:
    """What onnxruntime refuses is the server's fault, in each interface's words."""
    server = serving()
    Held(server, BiolordError("out of memory")).gate.set()
    reply = server.post("/embed", {"inputs": ["a"]})
    assert (reply.status, reply.json["error"]) == (424, "the graph failed: out of memory")
    assert server.post("/v1/embeddings", {"input": "a"}).status == 500
    assert server.get("/health/ready").status == 200


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_thread_is_noticed(serving: Serving) -> None:
    """Whoever watches the server is told that it can't compute any more."""
    server = serving()
    Held(server, RuntimeError("a fault of ours")).gate.set()
    assert server.post("/embed", {"inputs": ["a"]}).status == 424
    while server.service.healthy:
        time.sleep(0.005)
    reply = server.get("/health/ready")
    assert (reply.status, reply.json["error_type"]) == (503, "Unhealthy")
    assert server.get("/health/live").status == 200
    while any(thread.is_alive() for thread in server.service.batcher._threads):
        server.post("/embed", {"inputs": ["a"]})
    assert "have ended" in server.post("/embed", {"inputs": ["a"]}).json["error"]


def test_a_stuck_run_does_not_keep_the_server(tiny: Path) -> None:
    """It stops within its limit; what the run yields at last finds nobody."""
    with run_server(ServerSettings(str(tiny), threads=2, limits=Limits(shutdown_s=1, timeout_s=0.2))) as server:
        held = Held(server)
        assert server.post("/embed", {"inputs": "a"}).status == 503
    assert held.ran == 0
    held.gate.set()
    for thread in server.service.batcher._threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_fault_tells_its_kind_alone(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the answer nor the log holds its message, where a text may stand."""
    server = serving()

    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(type(server.service), "_check_queue", fail)
    reply = server.post("/v1/embeddings", {"input": "secret"})
    assert (reply.status, reply.json["error"]["message"]) == (500, "the server failed: ZeroDivisionError")
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text


def test_a_stopping_server_takes_nothing(serving: Serving) -> None:
    """Requests that come too late are told."""
    server = serving()
    server.service.batcher.close(10)
    assert "the server is stopping" in server.post("/embed", {"inputs": "a"}).json["error"]


def test_a_fault_behind_the_head_of_an_answer_ends_it(tiny_server: Running, caplog: pytest.LogCaptureFixture) -> None:
    """There is no second head to send: it is logged, and that is all."""
    sent: list[str] = []

    async def send(message: Message) -> None:
        sent.append(message["type"])

    async def fail(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError("secret")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    asyncio.run(_Counted(fail, tiny_server.service)(scope, receive, send))
    assert sent == ["http.response.start"]
    assert "other failed with ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text
