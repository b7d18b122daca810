"""Providers that come as plugins. OpenVINO's own runs in tests/real/test_portable.py."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.errors import ProviderError
from biolord_onnx.session import plugins
from biolord_onnx.session.plugins import add_plugin, available_providers
from biolord_onnx.session.providers import Provider
from biolord_onnx.session.session import open_session
from unit.runtime.tiny_artifact import DIM, tiny_manifest, write_manifest

OPENVINO = "OpenVINOExecutionProvider"
# Any onnxruntime has the devices of its CPU provider, which so can stand for a plugin's.
BUILT_IN = Provider("builtin", "CPUExecutionProvider", ("portable-",), "pip install builtin", plugin="no_such_module")
OTHER = Provider("other", "OtherExecutionProvider", ("portable-",), "pip install other", plugin="other_plugin")


def write_plugin(folder: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a module of this code where `OTHER` looks for its plugin."""
    (folder / "other_plugin.py").write_text(code, "utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "other_plugin", raising=False)


def test_installed_plugins_are_listed_without_loading_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that can be found is enough; a name that is there already isn't listed twice."""
    monkeypatch.setattr(plugins, "PROVIDERS", (OTHER, replace(BUILT_IN, plugin="other_plugin")))
    without = onnxruntime.get_available_providers()
    assert available_providers(onnxruntime) == without
    write_plugin(tmp_path, "raise AssertionError", monkeypatch)
    assert available_providers(onnxruntime) == [*without, "OtherExecutionProvider"]


def test_a_provider_that_is_there_is_not_loaded_again(tiny: Path) -> None:
    """Whoever loaded it; the session runs on it."""
    options = onnxruntime.SessionOptions()
    add_plugin(onnxruntime, options, BUILT_IN, 1)
    session = onnxruntime.InferenceSession(tiny / "model.onnx", options)
    assert session.get_providers() == ["CPUExecutionProvider"]


def test_a_plugin_is_loaded_by_the_first_session_that_needs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once: later ones find its devices."""
    loaded: list[Any] = []
    provider = replace(BUILT_IN, plugin="other_plugin")
    write_plugin(tmp_path, "def get_library_path(): return 'lib.so'", monkeypatch)
    real = onnxruntime.get_ep_devices
    monkeypatch.setattr(onnxruntime, "get_ep_devices", lambda: real() if loaded else [])
    monkeypatch.setattr(onnxruntime, "register_execution_provider_library", lambda *names: loaded.append(names))
    for _ in range(3):
        add_plugin(onnxruntime, onnxruntime.SessionOptions(), provider, 1)
    assert loaded == [("biolord-onnx.builtin", "lib.so")]


def test_a_session_runs_on_a_plugin(tiny_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The road of `open_session`, which names no other providers then."""
    write_manifest(tiny_copy, replace(tiny_manifest(), target="portable-fp32"))
    monkeypatch.setattr("biolord_onnx.session.session.choose_provider", lambda *_: BUILT_IN)
    session = open_session(open_artifact(tiny_copy), provider="builtin")
    assert (session.provider, session.concurrency) == ("builtin", 1)
    assert session.run(np.array([[0, 5, 2]]), np.ones((1, 3), np.int64), "unit_embedding").shape == (1, DIM)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import what_is_gone", "No module named 'what_is_gone'"),
        ("def get_library_path(): raise FileNotFoundError('library not found\\nat /x')", "library not found at /x"),
        ("def get_library_path(): return '/nowhere/lib.so'", "/nowhere/lib.so"),
    ],
)
def test_a_plugin_that_can_not_be_loaded_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    """One line with what Python or onnxruntime says, and what to do."""
    write_plugin(tmp_path, code, monkeypatch)
    with pytest.raises(ProviderError) as raised:
        add_plugin(onnxruntime, onnxruntime.SessionOptions(), OTHER, 1)
    message = str(raised.value)
    assert message.startswith(f"provider other can't be loaded by onnxruntime {onnxruntime.__version__} (")
    assert reason in message
    assert message.endswith("fix what it names, or pip install other again")
    assert "\n" not in message


def test_a_plugin_without_a_cpu_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for once, and another one isn't taken in its place."""
    loaded: list[Any] = []
    write_plugin(tmp_path, "def get_library_path(): return 'lib.so'", monkeypatch)
    monkeypatch.setattr(onnxruntime, "register_execution_provider_library", lambda *names: loaded.append(names))
    with pytest.raises(ProviderError, match=r"^provider other finds no CPU that it runs on: ask for another provider$"):
        add_plugin(onnxruntime, onnxruntime.SessionOptions(), OTHER, 1)
    assert loaded == [("biolord-onnx.other", "lib.so")]
