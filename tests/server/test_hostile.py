"""Clients that mean harm: what they are answered, and that nobody else notices."""

from __future__ import annotations

import time

import pytest

from biolord_onnx.server.limits.admission import Pace
from biolord_onnx.server.settings import Limits
from server.clients import QUERY, connections, deaf_clients, wait_until_alone
from server.fixtures import Running, Serving
from server.test_refusals import Held, keep_busy
from unit.runtime.command import PATIENCE

pytestmark = pytest.mark.slow

SCRIPT = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n"
KEY = {"authorization": "Bearer one"}


def test_clients_without_a_key_take_no_place_of_those_with_one(serving: Serving) -> None:
    """However many ask for the documentation and never read it; and they are given up."""
    server = serving(keys=("one",), limits=Limits(requests=2, keyless=3, write_s=2))
    with deaf_clients(server, 16, 20 * SCRIPT):
        while server.service.admission.keyless < 3:
            time.sleep(0.005)
        assert server.get("/docs").status == 429
        for _ in range(20):
            assert server.post("/embed", QUERY, **KEY).status == 200
        assert server.get("/health/ready").status == 200
        wait_until_alone(server)
    assert server.get("/docs").status == 200


def test_answers_that_are_read_slowly_are_sent_to_their_end(serving: Serving) -> None:
    """As long as some of them is taken in time: the first megabyte of the first takes longer than that."""
    server = serving(limits=Limits(write_s=1.5))
    last = SCRIPT.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    with deaf_clients(server, 1, 4 * SCRIPT + last, 100_000) as (client,):
        received = 0
        while part := client.recv(131_072):
            received += len(part)
            time.sleep(0.3 * (received < 1_000_000))
    assert received > 5_000_000


def test_what_is_not_read_does_not_keep_the_server(serving: Serving) -> None:
    """Nor does a body that doesn't come: after the signal both are given up, long before requests under way are."""
    server = serving(limits=Limits(shutdown_s=2 * PATIENCE, write_s=2 * PATIENCE, header_s=2 * PATIENCE))
    half = b"POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{"
    with deaf_clients(server, 4, 20 * SCRIPT), deaf_clients(server, 4, half), deaf_clients(server, 2, b"GET /"):
        while server.service.admission.under_way < 4:
            time.sleep(0.005)
        server.server.should_exit = True
        server.thread.join(PATIENCE)
        assert not server.thread.is_alive()


def test_what_was_accepted_is_finished(serving: Serving) -> None:
    """Though it takes longer than those get that neither send nor take."""
    server = serving()
    held = Held(server)
    threads = keep_busy(server, held)
    server.server.should_exit = True
    time.sleep(1.5)
    assert connections(server) == 2
    held.gate.set()
    for thread in threads:
        thread.join()
    server.thread.join(PATIENCE)
    assert (held.ran, server.thread.is_alive()) == (2, False)


def test_what_follows_an_answer_that_is_not_taken(serving: Serving) -> None:
    """Isn't HTTP: there is nothing to say to that, and nobody to say it to."""
    server = serving(limits=Limits(write_s=2 * PATIENCE))
    chunked = SCRIPT.replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n")
    with deaf_clients(server, 1, chunked) as (client,):
        assert client.recv(10)
        client.sendall(b"zz\r\n")
        wait_until_alone(server)


def test_idle_connections_make_room(serving: Serving) -> None:
    """A new client is heard, whoever rests in the others' place; nothing is logged for each of them."""
    server = serving(limits=Limits(connections=8))
    with deaf_clients(server, 100, b""):
        for _ in range(10):
            assert server.post("/embed", QUERY).status == 200
        assert connections(server) <= 8


def test_a_request_is_told_one_length(tiny_server: Running) -> None:
    """A second one hidden in its body is never answered."""
    hidden = b"GET /info HTTP/1.1\r\nhost: localhost\r\n\r\n"
    both = (
        b"POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    old = b"POST /embed HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    for request in (both, old):
        reply = tiny_server.raw(request + hidden)
        assert reply.startswith(b"HTTP/1.1 400 ")
        assert b"Transfer-Encoding beside a Content-Length" in reply
        assert reply.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("damage", [b"\x00", b"POST /embed HTTP/1.1\r\n\r\n"])
def test_what_is_not_http(tiny_server: Running, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Answered, and not logged; nor is what follows a request that is being answered."""
    assert tiny_server.raw(damage + b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    chunks = b"POST /embed HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"
    assert tiny_server.raw(chunks).startswith(b"HTTP/1.1 400 ")
    script = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    tiny_server.raw(script + b"zz\r\n")
    assert [record.getMessage() for record in caplog.records if record.name != "biolord_onnx.server"] == []


def test_nothing_of_a_client_reaches_the_log(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    """Neither its method nor its path, of any length."""
    server = serving()
    caplog.set_level("INFO", "biolord_onnx.server")
    method = b"X" * 20_000 + b" / HTTP/1.1\r\nhost: localhost\r\n\r\n"
    assert server.raw(method).startswith(b"HTTP/1.1 405 ")
    assert len(server.get(f"/{'secret' * 2000}%0A").body) < 500
    assert "secret" not in caplog.text
    assert "other other 405" in caplog.text
    assert len(caplog.text) < 1000


@pytest.mark.parametrize("path", ["/embed/", "//evil.example/embed", "/docs/assets", "/docs/assets/x"])
def test_nobody_is_led_elsewhere(tiny_server: Running, path: str) -> None:
    """A redirection would go to whatever host the request names."""
    reply = tiny_server.ask("GET" if "docs" in path else "POST", path, None)
    assert reply.status in {404, 405}
    assert "location" not in reply.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "0.0.0.0", "[::2]", "[", ""]
)
def test_other_hosts(tiny_server: Running, serving: Serving, host: str) -> None:
    """A name that was made to lead here is told from this machine's; with a key it doesn't matter."""
    for path in ("/embed", "/info", "/health"):
        assert tiny_server.ask("GET", path, host=host).status == 403
    assert serving(keys=("one",)).post("/embed", QUERY, host=host, **KEY).status == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.9.9.9:1", "[::1]:8080", "proxy.example"]
)
def test_own_hosts(serving: Serving, host: str) -> None:
    """This machine's, and those that were allowed."""
    assert serving(hosts=("Proxy.example",)).post("/embed", QUERY, host=host).status == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost:80", 200), ("https://page.example", 200), ("http://localhost", 403), ("null", 403)],
)
def test_origins(serving: Serving, origin: str, status: int) -> None:
    """The page of this server asks, and pages that were named; without a key nobody else's."""
    server = serving(cors_origins=("https://page.example",))
    assert server.post("/embed", QUERY, host="localhost:80", origin=origin).status == status


def test_readiness_tells_what_a_request_would_get(serving: Serving) -> None:
    """503 while the next one would get 429; life is another question."""
    server = serving(limits=Limits(requests=1))
    with server.service.admission.request():
        assert server.post("/embed", QUERY).status == 429
        assert server.get("/health/ready").status == 503
        assert server.get("/health/ready").headers["retry-after"] == "1"
        assert server.get("/health").status == 200
    assert server.get("/health/ready").status == 200


def test_refusals_are_paced(serving: Serving) -> None:
    """Who is refused and asks again at once is answered in turn; who isn't, at once."""
    server = serving(keys=("one",))
    server.service.admission.refusals = Pace(2)

    def seconds(status: int, **headers: str) -> float:
        started = time.monotonic()
        assert server.post("/embed", QUERY, **headers).status == status
        return time.monotonic() - started

    assert sum(seconds(401) for _ in range(4)) > 1
    large = b'{"inputs": ["%b"]}' % (b"a" * 200_000)  # what was read of it counts as several
    began = time.monotonic()
    assert server.post("/embed", large, **KEY).status == 413
    assert time.monotonic() - began > 1
    assert min(seconds(200, **KEY) for _ in range(10)) < 0.4
