"""The wheel, built once a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from guards.readme import REPOSITORY


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built by the hatchling of this environment: no network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    (built,) = folder.glob("*.whl")
    return built
