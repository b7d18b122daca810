"""Nothing of ours asks the network for anything, or leaves a file in the home folder; nor does onnxruntime under it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from biolord_onnx.session.engine import import_onnxruntime
from biolord_onnx.session.options import parse_version
from guards.network import TELEMETRY, Watch
from real.exports import MINILM, RealExports, real_exports
from unit.runtime.command import COMMAND, PATIENCE
from unit.runtime.tiny_artifact import write_tiny_artifact

pytestmark = pytest.mark.slow

QUICK_BENCH = ("--quick", "--workload", "names", "--repeats", 1)
CONNECT = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 53))"
SETTLED_S = 20
"""With its telemetry on, onnxruntime has looked up its host by then, where the machine isn't slow."""


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """Watch a process with a fresh home folder."""
    return Watch(tmp_path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny artifact."""
    return write_tiny_artifact(tmp_path_factory.mktemp("silence") / "tiny")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealExports]:
    """Artifacts of the reference models by name and target."""
    with real_exports(lambda: tmp_path_factory.mktemp("silence-real")) as exports:
        yield exports


def assert_silent(watch: Watch) -> None:
    """Check that nothing reached out and nothing was left."""
    assert watch.calls() == []
    assert watch.files() == []


@pytest.mark.parametrize("arguments", [("embed", "fever"), ("info",), ("bench", *QUICK_BENCH)], ids=lambda one: one[0])
def test_a_command_opens_no_connection(watch: Watch, tiny: Path, arguments: tuple[object, ...]) -> None:
    """No socket of the internet is made at all, by it and the processes that it starts."""
    command, *rest = arguments
    watch.run(*COMMAND, command, tiny, *rest)
    assert_silent(watch)
    assert watch.sockets() == []


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.real)])
def test_a_server_only_listens(watch: Watch, tiny: Path, workers: int) -> None:
    """It answers, and asks nobody."""
    command = (*COMMAND, "serve", tiny, "--port", 0, "--workers", workers)
    said = watch.run_for(2, *command, after="startup complete", times=workers)
    assert said.count("startup complete") == workers, said
    assert_silent(watch)
    assert any(" listen(" in line or "bind(" in line for line in watch.sockets())


def test_a_connection_is_seen(watch: Watch) -> None:
    """The watch itself: one that connects is found out."""
    watch.run(sys.executable, "-c", CONNECT)
    assert len(watch.calls()) == len(watch.calls_elsewhere()) == 1


def test_telemetry_stays_on_for_those_who_want_it(watch: Watch, tiny: Path) -> None:
    """ORT_DISABLE_TELEMETRY=0 is a user's word: onnxruntime keeps its files then, which shows that they are seen."""
    if parse_version(import_onnxruntime().__version__) < [1, 29]:
        pytest.skip("this onnxruntime has no telemetry")
    code = "import sys, time; from pathlib import Path; from biolord_onnx import Embedder\n"
    code += f"Embedder.load(sys.argv[1]).encode(['fever']); end = time.monotonic() + {PATIENCE}\n"
    code += "left = lambda: any(one.is_file() for one in Path.home().glob('.cache/Microsoft/**/*'))\n"
    code += "while not left() and time.monotonic() < end: time.sleep(0.1)"
    watch.run(sys.executable, "-c", code, tiny, **{TELEMETRY: "0"})
    assert any(name.startswith(".cache/Microsoft/") for name in watch.files())


def test_an_onnxruntime_of_the_users_own_is_warned_of(watch: Watch, tiny: Path) -> None:
    """Imported first, with nothing said about telemetry, it has it on: a warning tells so."""
    if parse_version(import_onnxruntime().__version__) < [1, 29]:
        pytest.skip("this onnxruntime has no telemetry")
    code = "import onnxruntime, sys, warnings; warnings.simplefilter('error'); from biolord_onnx import Embedder\n"
    code += f"try: Embedder.load({str(tiny)!r})\nexcept UserWarning as warning: print(warning)"
    assert "was imported before biolord_onnx could turn its telemetry off" in watch.run(sys.executable, "-c", code)


@pytest.mark.real
def test_real_work_opens_no_connection(watch: Watch, exported: RealExports) -> None:
    """Vectors of the small reference model, and time enough for what onnxruntime would do afterward."""
    code = "import sys, time; from biolord_onnx import Embedder; e = Embedder.load(sys.argv[1]); e.encode(['fever'])"
    watch.run(sys.executable, "-c", f"{code}; time.sleep({SETTLED_S})", exported(MINILM, "cpu-int8").path)
    assert_silent(watch)
    assert watch.sockets() == []


@pytest.mark.real
def test_a_server_is_silent_for_half_a_minute(watch: Watch, exported: RealExports) -> None:
    """As a service does, with nothing to do."""
    watch.run_for(30, *COMMAND, "serve", exported(MINILM, "cpu-int8").path, "--port", 0, after="startup complete")
    assert_silent(watch)


@pytest.mark.real
def test_a_quick_bench_is_silent(watch: Watch, exported: RealExports) -> None:
    """With every workload and all its workers."""
    watch.run(*COMMAND, "bench", exported(MINILM, "cpu-int8").path, "--quick")
    assert_silent(watch)
    assert watch.sockets() == []
