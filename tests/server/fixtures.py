"""A real server on a real port, in a thread of this process, with a tiny artifact on the compiled operators."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from biolord_onnx.artifact.prompts import Prompts
from biolord_onnx.embedder import Embedder
from biolord_onnx.index.building.vocabulary import Vocabulary
from biolord_onnx.index.index import Index
from biolord_onnx.server.addresses import open_sockets
from biolord_onnx.server.app import make_app
from biolord_onnx.server.limits.admission import Pace
from biolord_onnx.server.run import Server, make_server
from biolord_onnx.server.service import Service
from biolord_onnx.server.services import Services
from biolord_onnx.server.settings import Limits, ServerSettings
from unit.runtime.command import PATIENCE
from unit.runtime.compiled_artifact import compiled_manifest, write_compiled_artifact
from unit.runtime.tiny_artifact import write_manifest
from unit.runtime.tiny_reranker import write_tiny_reranker

__all__ = [
    "embedder",
    "prompted_server",
    "serving",
    "tiny",
    "tiny_index",
    "tiny_reranker",
    "tiny_server",
    "whole_server",
]


SIGNS = """\
code,name,kind
C1,cat scratch,wound
C1,scratch of a cat,wound
C2,dog bite,wound
C3,fever,sign
C3,high temperature,sign
C3,Fever of the heart,sign
C4,cough,sign
C5,=1+1 <b>bold</b> 日本 🤒,other
C6,bite of a cat,wound
C7,broken arm,wound
C8,heart attack,disease
C9,pain,sign
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an artifact as the default target makes them, to read."""
    return write_compiled_artifact(tmp_path_factory.mktemp("artifacts") / "tiny")


@pytest.fixture(scope="session")
def embedder(tiny: Path) -> Iterator[Embedder]:
    """Give an embedder of that artifact."""
    with Embedder.load(tiny, threads=1) as loaded:
        yield loaded


@pytest.fixture(scope="session")
def tiny_index(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an index of some names with codes and a column, as that artifact embeds them, to read."""
    folder = tmp_path_factory.mktemp("indexes")
    table = folder / "signs.csv"
    table.write_text(SIGNS, encoding="utf-8")
    Index.build(embedder, Vocabulary(str(table), "name", "code", ("kind",)), folder / "signs.index")
    return folder / "signs.index"


@pytest.fixture(scope="session")
def tiny_reranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the artifact of a cross-encoder, to read."""
    return write_tiny_reranker(tmp_path_factory.mktemp("artifacts") / "tiny-reranker")


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        """The body, read."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    port: int
    services: Services
    server: Server
    thread: threading.Thread

    @property
    def service(self) -> Service:
        """What computes its vectors."""
        return self.services.vectors

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """Send a request; what isn't bytes goes as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Reply(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, path: str, body: object, **headers: str) -> Reply:
        """Post JSON or bytes."""
        return self.ask("POST", path, body, **headers)

    def get(self, path: str, **headers: str) -> Reply:
        """Get a path."""
        return self.ask("GET", path, **headers)

    def raw(self, data: bytes, seconds: float = PATIENCE) -> bytes:
        """Send bytes as they are, and read until the server hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(data)
            received = b""
            while part := connection.recv(65536):
                received += part
            return received


@contextmanager
def run_server(settings: ServerSettings) -> Iterator[Running]:
    """Serve as long as the block runs."""
    app = make_app(settings)
    sockets = open_sockets(settings.host, 0)
    server = make_server(app, settings, app.state.services.vectors.admission.stop, log_level="error")
    thread = threading.Thread(target=server.run, args=(sockets,))
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    port = sockets[0].getsockname()[1]
    try:
        yield Running(port, app.state.services, server, thread)
    finally:
        server.should_exit = True
        thread.join()


Serving = Callable[..., Running]


@pytest.fixture
def serving(tiny: Path) -> Iterator[Serving]:
    """Start servers with settings of a test's own; limits are given by name."""
    with ExitStack() as stack:

        def start(
            *,
            limits: Limits | None = None,
            keys: tuple[str, ...] = (),
            cors_origins: tuple[str, ...] = (),
            hosts: tuple[str, ...] = (),
            auto_truncate: bool = False,
            truncate_dim: int | None = None,
            index: Path | None = None,
            reranker: Path | None = None,
        ) -> Running:
            settings = ServerSettings(
                str(tiny),
                threads=2,
                limits=limits or Limits(),
                keys=keys,
                cors_origins=cors_origins,
                hosts=hosts,
                auto_truncate=auto_truncate,
                truncate_dim=truncate_dim,
                index=None if index is None else str(index),
                reranker=None if reranker is None else str(reranker),
            )
            return stack.enter_context(run_server(settings))

        yield start


@pytest.fixture(scope="session")
def prompted_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a server of an artifact with prompts."""
    folder = write_compiled_artifact(tmp_path_factory.mktemp("artifacts") / "prompted")
    prompts = Prompts({"query": "cat of ", "document": "", "cluster": "fever: "}, "cluster")
    write_manifest(folder, replace(compiled_manifest(), prompts=prompts))
    with run_server(ServerSettings(str(folder), threads=2)) as running:
        yield running


@pytest.fixture(scope="session")
def tiny_server(tiny: Path) -> Iterator[Running]:
    """Give a server with usual settings."""
    with run_server(ServerSettings(str(tiny), threads=2)) as running:
        yield running


@pytest.fixture(scope="session")
def whole_server(tiny: Path, tiny_index: Path, tiny_reranker: Path) -> Iterator[Running]:
    """Give a server that searches and reranks, too, and answers what it refuses at once."""
    settings = ServerSettings(str(tiny), index=str(tiny_index), reranker=str(tiny_reranker), threads=2)
    with run_server(settings) as running:
        running.service.admission.refusals = Pace(1e6)
        yield running
