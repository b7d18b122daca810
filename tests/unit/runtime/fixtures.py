"""Fixtures of the runtime's tests, for the conftest of every folder that needs them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from biolord_onnx.embedder import Embedder
from unit.runtime.command import Biolord
from unit.runtime.compiled_artifact import write_compiled_artifact
from unit.runtime.tiny_artifact import write_tiny_artifact

__all__ = ["biolord", "compiled", "compiled_copy", "embedder", "tiny", "tiny_copy"]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a tiny artifact to read."""
    return write_tiny_artifact(tmp_path_factory.mktemp("artifacts") / "tiny")


@pytest.fixture
def tiny_copy(tiny: Path, tmp_path: Path) -> Path:
    """Give a tiny artifact to damage."""
    return shutil.copytree(tiny, tmp_path / "tiny")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an artifact on the compiled operators, to read."""
    return write_compiled_artifact(tmp_path_factory.mktemp("artifacts") / "tiny")


@pytest.fixture
def compiled_copy(compiled: Path, tmp_path: Path) -> Path:
    """Give an artifact on the compiled operators, to damage."""
    return shutil.copytree(compiled, tmp_path / "tiny")


@pytest.fixture(scope="session")
def embedder(tiny: Path) -> Iterator[Embedder]:
    """Give an embedder of the tiny artifact."""
    with Embedder.load(tiny, threads=1) as loaded:
        yield loaded


@pytest.fixture
def biolord(capsys: pytest.CaptureFixture[str]) -> Biolord:
    """Give the command line as a function."""
    return Biolord(capsys)
