"""Settings, and the command that reads them."""

from __future__ import annotations

import importlib.util
import os
import resource
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.cli import serve
from biolord_onnx.cli.main import Parser
from biolord_onnx.errors import InputError
from biolord_onnx.server import run as running
from biolord_onnx.server.addresses import open_sockets, shown
from biolord_onnx.server.run import most_connections
from biolord_onnx.server.settings import Limits, ServerSettings, check_exposure, is_loopback
from unit.runtime.command import Biolord


def read(tiny: Path, *arguments: object) -> ServerSettings:
    """Read a command line."""
    parser = Parser()
    serve.configure(parser)
    return serve.read_settings(parser.parse_args([str(tiny), *map(str, arguments)]))


def test_defaults(tiny: Path) -> None:
    """This machine alone, no key, usual limits."""
    assert read(tiny) == ServerSettings(str(tiny))


def test_everything(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys come from three places; limits keep their kind; several workers share the cores."""
    monkeypatch.setenv(serve.KEY_VARIABLE, "three, one")
    keys = tmp_path / "keys"
    keys.write_text("two\n\n", encoding="utf-8")
    settings = read(
        tiny,
        *("--host", "0.0.0.0", "--api-key", "one", "--api-key-file", keys, "--workers", 2, "--auto-truncate"),
        *("--tls-certificate", keys, "--tls-key", keys, "--max-texts", 5, "--max-timeout-s", 1.5),
        *("--truncate-dim", 8),
    )
    assert settings.keys == ("one", "two", "three")
    assert (settings.threads, settings.auto_truncate, settings.truncate_dim) == (1, True, 8)
    assert (settings.limits.texts, settings.limits.timeout_s) == (5, 1.5)
    assert (settings.tls_certificate, settings.tls_key) == (str(keys), str(keys))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 can be reached by other machines and there is no API key"),
        (["--truncate-dim", "65"], "truncate_dim is 65, the artifact's vectors have 64 numbers: expected 1 to 64"),
        (["--tls-key", "k"], "--tls-certificate and --tls-key go together"),
        (["--tls-key", "k", "--tls-certificate", "c"], "c is not a file"),
        (["--api-key", " "], "there is no key in --api-key and --api-key-file"),
    ],
)
def test_wrong_arguments(tiny: Path, arguments: list[str], message: str) -> None:
    """Each is refused before anything starts."""
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        read(tiny, *arguments)


COUNTS = ("--max-texts", "--max-characters", "--max-text-characters", "--max-body-bytes", "--max-queue-tokens",
          "--max-top", "--max-hits", "--max-queue-queries", "--max-requests", "--max-keyless", "--max-connections",
          "--workers")  # fmt: skip
TIMES = ("--max-timeout-s", "--max-header-s", "--max-write-s", "--max-shutdown-s")


@pytest.mark.parametrize("value", ["0", "-1", "0.5", "1e3", "nan", "inf", "", "x", "1_0", "\u0663", "9" * 5000])
@pytest.mark.parametrize("option", [*COUNTS, "--port"])
def test_counts_are_whole_and_bounded(biolord: Biolord, tiny: Path, option: str, value: str) -> None:
    """Anything else is refused in a line, which repeats no thousand digits."""
    if (option, value) == ("--port", "0"):
        return
    outcome = biolord("serve", tiny, f"{option}={value}")
    outcome.assert_error(f"argument {option}: {ascii(value[:18])[:-1]}")
    assert len(outcome.err) < 200


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "-inf", "1e999", "1e9", "", "x"])
@pytest.mark.parametrize("option", TIMES)
def test_times_are_finite(biolord: Biolord, tiny: Path, option: str, value: str) -> None:
    """Nor are they none."""
    biolord("serve", tiny, f"{option}={value}").assert_error(
        f"argument {option}: '{value}' is no number of seconds above 0 and up to 604800"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_key_files_of_every_editor(tiny: Path, tmp_path: Path, encoding: str, end: str) -> None:
    """Marks of an encoding and line ends are no part of a key."""
    path = tmp_path / "keys"
    path.write_bytes(f"one{end}{end} two {end}".encode(encoding))
    assert read(tiny, "--api-key-file", path).keys == ("one", "two")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("one\r\ntwo\r\n".encode("utf-16"), "is UTF-16, expected UTF-8"),
        ("one\n".encode("utf-16-be"), "line 1 of KEYS holds the character U+0000"),
        (b"\xff\xfeo\x00", "is UTF-16, expected UTF-8"),
        (b"\xe9t\xe9\n", "is not UTF-8 (byte 0)"),
        ("ok\nschl\u00fcssel\n".encode(), "line 2 of KEYS holds the character U+00FC"),
        (b"one\x0btwo\n", "line 1 of KEYS holds the character U+000B"),
        (b"one two\n", "line 1 of KEYS holds the character U+0020"),
        (b"a" * 1_000_001, "has more than 1000000 bytes"),
        (b"\xef\xbb\xbf\r\n", "there is no key in --api-key and --api-key-file"),
    ],
)
def test_key_files_that_hold_no_keys(biolord: Biolord, tiny: Path, tmp_path: Path, data: bytes, message: str) -> None:
    """Refused in a line that shows none of them; half a key, or a key that nobody can send, would be worse."""
    path = tmp_path / "keys"
    path.write_bytes(data)
    biolord("serve", tiny, "--api-key-file", path).assert_error(message.replace("KEYS", str(path)))


def test_keys_of_the_environment_leave_it(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers inherit what stays there, and anybody of the same user reads it in /proc."""
    monkeypatch.setenv(serve.KEY_VARIABLE, "one")
    assert read(tiny).keys == ("one",)
    assert serve.KEY_VARIABLE not in os.environ


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
    biolord("serve", tmp_path / "none").assert_error("does not exist, expected the artifact folder")


def test_worker_processes_serve_what_was_checked(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They get the settings with the fingerprint of the artifact that their parent opened."""
    supervised: list[tuple[ServerSettings, int]] = []
    monkeypatch.setattr(running, "supervise", lambda _, settings, __, workers: supervised.append((settings, workers)))
    settings = ServerSettings(str(tiny), port=0, threads=1, keys=("one",))
    running.run_server(settings, 2)
    assert supervised == [(replace(settings, fingerprint=open_artifact(tiny).fingerprint), 2)]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_that_cannot_be_listened_on(biolord: Biolord, tiny: Path, workers: int) -> None:
    """One line if another program has it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        outcome = biolord("serve", tiny, "--port", number, "--workers", workers)
    outcome.assert_error(f"--host 127.0.0.1 --port {number} can't be listened on")


def test_one_port_of_all_addresses() -> None:
    """A name may have several."""
    sockets = open_sockets("localhost", 0)
    try:
        assert len({one.getsockname()[1] for one in sockets}) == 1
        assert shown(sockets, secure=True).startswith("https://")
    finally:
        for one in sockets:
            one.close()
    (six,) = open_sockets("::1", 0)
    with six:
        assert shown([six], secure=False) == f"http://[::1]:{six.getsockname()[1]}"


@pytest.mark.parametrize(("files", "most"), [(64, 16), (10, 4), (5000, 1024), (resource.RLIM_INFINITY, 1024)])
def test_connections_fit_the_open_files(monkeypatch: pytest.MonkeyPatch, files: int, most: int) -> None:
    """The server has files of its own, too."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert most_connections(Limits()) == most


@pytest.mark.parametrize("workers", [1, 2])
def test_an_artifact_that_cannot_be_loaded_starts_no_worker(biolord: Biolord, tiny: Path, workers: int) -> None:
    """Workers that die at once would be started anew without end."""
    biolord("serve", tiny, "--port", 0, "--provider", "nonsense", "--workers", workers).assert_error("nonsense")
