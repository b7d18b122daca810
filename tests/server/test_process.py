"""``biolord serve`` as a process: clients of other people's libraries, signals, workers."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import openai
import psutil
import pytest
import schemathesis
from huggingface_hub import InferenceClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import ArtifactError
from biolord_onnx.server.service import Service
from biolord_onnx.server.settings import ServerSettings
from server.fixtures import Running
from unit.runtime.command import COMMAND, PATIENCE, ended, heeding_signals, wait_for
from unit.runtime.tiny_artifact import tiny_manifest, tiny_table, write_manifest, write_tiny_artifact

pytestmark = pytest.mark.slow

TEXTS = ["cat scratch", "fever"]


@contextmanager
def process(
    tiny: Path, *arguments: object, before: Sequence[str] = ()
) -> Iterator[tuple[subprocess.Popen[str], int, list[str]]]:
    """Serve in a process of its own; yields it, its port, and the lines of its log so far."""
    command = [*before, *COMMAND, "serve", str(tiny), "--port", "0", *map(str, arguments)]
    lines: list[str] = []
    port: list[int] = []
    listening = threading.Event()
    with heeding_signals():
        started = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    with started as running:

        def read() -> None:
            assert running.stderr
            for line in running.stderr:
                lines.append(line)
                found = re.search(r"running on https?://[^:]+:(\d+)", line)
                if found:
                    port.append(int(found[1]))
                started = sum("startup complete" in one for one in lines)
                if port and started >= (2 if 2 in arguments else 1):
                    listening.set()

        reader = threading.Thread(target=read)
        reader.start()
        try:
            assert listening.wait(PATIENCE), lines
            yield running, port[0], lines
        finally:
            running.terminate()
            ended(running)
            reader.join()


def embed(port: int, texts: list[str] = TEXTS, key: str = "none") -> tuple[int, list[list[float]]]:
    """Ask for vectors."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", "/embed", json.dumps({"inputs": texts}), {"Authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    return answer.status, found


def test_sigterm_loses_no_accepted_request(tiny: Path, embedder: Embedder) -> None:
    """Requests under way are answered, the process ends by itself, and its log holds no text."""
    expected = embedder.encode(TEXTS, normalize=True)
    with process(tiny) as (running, port, lines), ThreadPoolExecutor(8) as pool:
        assert embed(port)[0] == 200
        results: list[Any] = []

        def ask() -> None:
            for _ in range(50):
                try:
                    results.append(embed(port))
                except (ConnectionRefusedError, ConnectionResetError):
                    return  # refused: it was not accepted

        jobs = [pool.submit(ask) for _ in range(8)]
        while len(results) < 20:
            time.sleep(0.001)
        running.send_signal(signal.SIGTERM)
        for job in jobs:
            job.result()
        assert ended(running) == 0
    assert {status for status, _ in results} == {200}
    for _, found in results:
        np.testing.assert_array_equal(np.array(found, dtype=np.float32), expected)
    log = "".join(lines)
    assert "POST /embed 200" in log
    assert "scratch" not in log


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(
    ("workers", "number"),
    [
        *((1, number) for number in (signal.SIGTERM, signal.SIGINT)),
        (2, signal.SIGTERM),
        *(pytest.param(count, signal.SIGHUP, marks=pytest.mark.real) for count in (1, 2)),
        pytest.param(2, signal.SIGINT, marks=pytest.mark.real),
    ],
)
def test_whoever_stops_it_finds_that_all_went_well(tiny: Path, number: signal.Signals, workers: int) -> None:
    """Nothing but 0 says so to what started it; no traceback stands in its log."""
    with process(tiny, "--workers", workers) as (running, port, lines):
        assert embed(port)[0] == 200
        running.send_signal(number)
        assert ended(running) == 0
    assert "Traceback" not in "".join(lines)


def alive(child: psutil.Process) -> bool:
    """Whether a process has not ended, collected or not."""
    with suppress(psutil.NoSuchProcess):
        return bool(child.is_running() and child.status() != psutil.STATUS_ZOMBIE)
    return False


def test_several_workers(tiny: Path, tmp_path: Path, embedder: Embedder) -> None:
    """Each is a process of its own; all give the same vectors, and nothing shows their keys to others.

    They end with their parent, even where it is killed; the address is free then.
    """
    keys, expected = tmp_path / "keys", embedder.encode(TEXTS, normalize=True)
    keys.write_text("known-to-nobody\n", encoding="utf-8")
    with process(tiny, "--workers", 2, "--api-key-file", keys) as (running, port, _):
        children = psutil.Process(running.pid).children(recursive=True)
        assert len(children) >= 2
        for child in children:
            assert "known-to-nobody" not in repr((child.environ(), child.cmdline()))
        for _ in range(6):
            status, found = embed(port, key="known-to-nobody")
            assert status == 200
            np.testing.assert_array_equal(np.array(found, dtype=np.float32), expected)
        running.kill()
        wait_for(lambda: not any(map(alive, children)))
        with socket.create_server(("127.0.0.1", port)):
            pass


@pytest.mark.usefixtures("measured")
def test_a_worker_that_dies_is_replaced(tiny: Path) -> None:
    """And the requests of others are answered meanwhile."""
    with process(tiny, "--workers", 2) as (running, port, lines):
        workers = [one for one in psutil.Process(running.pid).children() if "spawn_main" in " ".join(one.cmdline())]
        workers[0].kill()
        wait_for(lambda: sum("startup complete" in line for line in lines) >= 3)
        assert embed(port)[0] == 200
    assert "ended with -9: starting another" in "".join(lines)


@pytest.mark.usefixtures("measured")
def test_more_connections_than_open_files(tiny: Path) -> None:
    """Clients are answered all the same, and the log stays short."""
    limited = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
    with process(tiny, "--quiet", before=limited) as (_, port, lines), ExitStack() as stack:
        for number in range(300):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            if number % 50 == 0:
                assert embed(port)[0] == 200
        assert embed(port)[0] == 200
        time.sleep(1)
    assert len("".join(lines)) < 5000
    assert "Traceback" not in "".join(lines)


def test_an_artifact_that_is_replaced(tmp_path: Path) -> None:
    """While it is served: single texts and many of them get the weights that were loaded, to the end."""
    served, other = write_tiny_artifact(tmp_path / "model"), write_tiny_artifact(tmp_path / "other")
    (other / "model.onnx.data").write_bytes((-tiny_table()[::-1]).tobytes())
    write_manifest(other, tiny_manifest())
    texts = [f"cat scratch injury {number}" for number in range(64)]
    with Embedder.load(served) as embedder:
        expected = embedder.encode(texts, normalize=True)
    with process(served, "--threads=2") as (_, port, lines):
        assert embed(port, texts[:1])[0] == 200
        served.rename(tmp_path / "old")
        other.rename(served)
        with ThreadPoolExecutor(4) as pool:
            for status, found in pool.map(lambda _: embed(port, texts), range(20)):
                assert status == 200
                np.testing.assert_array_equal(np.array(found, dtype=np.float32), expected)
    assert sum("load it again" in line for line in lines) <= 1


def test_a_worker_that_starts_later_serves_the_same_or_nothing(tmp_path: Path) -> None:
    """Its parent tells it which artifact that was."""
    served, other = write_tiny_artifact(tmp_path / "model"), write_tiny_artifact(tmp_path / "other")
    settings = ServerSettings(str(served), threads=1)
    service = Service(settings)
    service.close()
    (other / "model.onnx.data").write_bytes((-tiny_table()[::-1]).tobytes())
    write_manifest(other, tiny_manifest())
    served.rename(tmp_path / "old")
    other.rename(served)
    with pytest.raises(ArtifactError, match="holds the artifact with fingerprint"):
        Service(replace(settings, fingerprint=service.fingerprint))


def test_clients_of_openai(tiny_server: Running, embedder: Embedder) -> None:
    """Their own library, which asks for base64."""
    with openai.OpenAI(base_url=f"{tiny_server.url}/v1", api_key="none") as client:
        found = client.embeddings.create(model="biolord", input=TEXTS)
        vectors = np.array([row.embedding for row in found.data], dtype=np.float32)
        with pytest.raises(openai.BadRequestError, match="the request has no texts"):
            client.embeddings.create(model="biolord", input=[])
    np.testing.assert_array_equal(vectors, embedder.encode(TEXTS, normalize=True))


def test_clients_of_the_hubs_inference(tiny_server: Running, embedder: Embedder) -> None:
    """Their own library, which asks at the root."""
    client = InferenceClient(tiny_server.url)
    vectors = client.feature_extraction("cat scratch", normalize=True)
    np.testing.assert_array_equal(np.float32(vectors), embedder.encode(["cat scratch"], normalize=True))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_request_that_fits_the_document_breaks_it(whole_server: Running) -> None:
    """Schemathesis makes requests up from the OpenAPI document: none is the server's fault."""
    schema = schemathesis.openapi.from_url(f"{whole_server.url}/openapi.json")
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()

        @settings(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case[Any]) -> None:
            assert case.call().status_code < 500

        check()
