"""This tree's wheels, built by the hatchling and the compiler of this environment: no network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from guards.readme import REPOSITORY


def build_wheel(folder: Path, **environment: str) -> Path:
    """Build a wheel into a folder.

    Args:
        folder: where it goes, beside no other wheel.
        environment: variables that say what kind of wheel; by default it is this machine's.
    """
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    variables = {**os.environ, **environment}
    subprocess.run(command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=True)
    (built,) = folder.glob("*.whl")
    return built
