"""Fixtures of packs: the compiled operators, which packs bring, and an index that is a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from biolord_onnx.errors import ProviderError
from biolord_onnx.session import kernels
from guards.missing import missing


@pytest.fixture
def operators() -> None:
    """Need the compiled operators."""
    try:
        kernels.library_path()
    except ProviderError as error:
        missing(str(error))


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that pip takes for the only index there is."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder
