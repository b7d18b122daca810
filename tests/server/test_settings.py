"""Settings, and the command that reads them."""

from __future__ import annotations

import importlib.util
import socket
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn

from biolord_onnx.artifact import open_artifact
from biolord_onnx.cli import serve
from biolord_onnx.cli.main import Parser
from biolord_onnx.errors import InputError
from biolord_onnx.server import run as running
from biolord_onnx.server.app import SETTINGS_VARIABLE, app_from_environment, make_app
from biolord_onnx.server.settings import Limits, ServerSettings, check_exposure, is_loopback
from unit.runtime.command import Biolord


def read(tiny: Path, *arguments: object) -> ServerSettings:
    """Read a command line."""
    parser = Parser()
    serve.configure(parser)
    return serve.read_settings(parser.parse_args([str(tiny), *map(str, arguments)]))


def test_settings_survive_the_way_to_another_process() -> None:
    """All of them."""
    settings = ServerSettings("a", keys=("é",), cors_origins=("b",), limits=Limits(texts=3, timeout_s=0.5))
    assert ServerSettings.from_json(settings.to_json()) == settings


def test_defaults(tiny: Path) -> None:
    """This machine alone, no key, usual limits."""
    assert read(tiny) == ServerSettings(str(tiny))


def test_everything(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys come from three places; limits keep their kind; several workers share memory and cores."""
    monkeypatch.setenv(serve.KEY_VARIABLE, "three, one")
    keys = tmp_path / "keys"
    keys.write_text("two\n\n", encoding="utf-8")
    settings = read(
        tiny,
        *("--host", "0.0.0.0", "--api-key", "one", "--api-key-file", keys, "--workers", 2, "--auto-truncate"),
        *("--tls-certificate", keys, "--tls-key", keys, "--max-texts", 5, "--max-timeout-s", 1.5),
    )
    assert settings.keys == ("one", "two", "three")
    assert (settings.memory, settings.threads, settings.auto_truncate) == ("low", 1, True)
    assert (settings.limits.texts, settings.limits.timeout_s) == (5, 1.5)
    assert (settings.tls_certificate, settings.tls_key) == (str(keys), str(keys))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 can be reached by other machines and there is no API key"),
        (["--workers", "0"], "argument --workers: 0 is not a number of processes: give 1 to 256"),
        (["--workers", "9" * 20], "99 is not a number of processes: give 1 to 256"),
        (["--tls-key", "k"], "--tls-certificate and --tls-key go together"),
        (["--tls-key", "k", "--tls-certificate", "c"], "c is not a file"),
        (["--max-texts", "0"], "--max-texts is 0, expected more than 0"),
        (["--api-key", " "], "there is no key in --api-key and --api-key-file"),
    ],
)
def test_wrong_arguments(tiny: Path, arguments: list[str], message: str) -> None:
    """Each is refused before anything starts."""
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        read(tiny, *arguments)


@pytest.mark.parametrize(
    ("host", "inside"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("h", False)],
)
def test_loopback(host: str, inside: bool) -> None:
    """A name may be anybody's."""
    assert is_loopback(host) == inside
    check_exposure(host, (), no_auth=True)
    check_exposure(host, ("key",), no_auth=False)


def test_a_missing_package_is_named(biolord: Biolord, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that brings it."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find(name))
    biolord("serve", tiny).assert_error("biolord serve needs uvicorn: pip install 'biolord-onnx[cpu,serve]'")


def test_a_wrong_folder_is_told_before_anything_starts(biolord: Biolord, tmp_path: Path) -> None:
    """In one line, as everywhere."""
    biolord("serve", tmp_path / "none").assert_error("does not exist, expected the artefact folder")


@pytest.mark.parametrize("workers", [1, 2])
def test_worker_processes_get_the_settings(tiny: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """Through the environment; a single process gets the application itself."""
    called: list[tuple[object, dict[str, object]]] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: called.append((app, options)))
    monkeypatch.setenv(SETTINGS_VARIABLE, "")
    settings = ServerSettings(str(tiny), threads=1, keys=("one",))
    running.run_server(settings, workers)
    ((app, options),) = called
    assert options["host"] == "127.0.0.1"
    if workers == 1:
        assert type(app) is type(make_app(settings))
    else:
        assert (app, options["workers"], options["factory"]) == (running.FACTORY, 2, True)
        expected = replace(settings, fingerprint=open_artifact(tiny).fingerprint)
        assert app_from_environment().state.service.settings == expected


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("port", ["taken", "99999"])
def test_an_address_that_cannot_be_listened_on(biolord: Biolord, tiny: Path, port: str, workers: int) -> None:
    """One line, whether another program has it or there is no such port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1] if port == "taken" else port
        outcome = biolord("serve", tiny, "--port", number, "--workers", workers)
    outcome.assert_error(f"--host 127.0.0.1 --port {number} can't be listened on")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_artefact_that_cannot_be_loaded_starts_no_worker(biolord: Biolord, tiny: Path, workers: int) -> None:
    """Workers that die at once would be started anew without end."""
    biolord("serve", tiny, "--port", 0, "--provider", "nonsense", "--workers", workers).assert_error("nonsense")
