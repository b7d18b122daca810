"""The check for the export extra."""

from __future__ import annotations

import sys
import tomllib
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from biolord_export.cli import requirements
from biolord_export.cli.requirements import NEEDED, require_export_extra
from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.session.engine import import_onnxruntime
from guards.readme import REPOSITORY
from unit.export.places import assert_failed, run


def test_nothing_is_missing_here() -> None:
    """The tests run with the extra."""
    require_export_extra("export")


def test_what_is_missing_is_named_with_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every missing package, in one go."""

    def find_spec(name: str) -> ModuleSpec | None:
        return None if name in {"onnx", "safetensors"} else ModuleSpec(name, None)

    monkeypatch.setattr(requirements, "find_spec", find_spec)
    with pytest.raises(MissingDependencyError) as raised:
        require_export_extra("export")
    assert str(raised.value) == "biolord export needs onnx, safetensors: pip install 'biolord-onnx[cpu,export]'"


def test_the_command_says_so_before_it_loads_anything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the check the first import would fail with a traceback."""
    monkeypatch.setattr(requirements, "find_spec", lambda _: None)
    for name in ("biolord_export.pipeline", "biolord_export.checkpoint.source"):
        monkeypatch.setitem(sys.modules, name, None)
    assert_failed(run("export", "model", tmp_path / "out"), "biolord export needs onnx, onnxruntime")


def test_an_onnxruntime_that_is_too_old_is_refused_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And not after minutes, when the artifact can't be measured with it."""
    monkeypatch.setattr(import_onnxruntime(), "__version__", "1.24.4")
    assert_failed(run("export", "model", tmp_path / "out"), "onnxruntime is 1.24.4, the artifact needs 1.25.0 or later")


def test_the_extras_bring_what_is_checked() -> None:
    """Following the message's advice ends the message."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    brought = {requirement.partition(">")[0] for requirement in (*extras["cpu"], *extras["export"])}
    assert set(NEEDED) <= brought
