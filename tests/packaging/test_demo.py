"""`make demo`, as the README tells people to type it."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest

from guards.readme import REPOSITORY

pytestmark = pytest.mark.real

MINUTES_FOR_THE_FIRST = 15
SECONDS_FOR_THE_SECOND = 30
UNWANTED = {"optimum", "optimum-onnx", "sentence-transformers", "torch", "transformers"}


def make_demo() -> subprocess.CompletedProcess[str]:
    """Run `make demo` in the repository, without the variables of a make or a coverage around it."""
    ours = ("COVERAGE", "MAKE", "PYTHON", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return subprocess.run(
        ["make", "demo"],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60 * MINUTES_FOR_THE_FIRST,
        check=False,
    )


@pytest.fixture(scope="module")
def first() -> subprocess.CompletedProcess[str]:
    """The first run, or one that found things made already."""
    return make_demo()


def test_the_demo_succeeds(first: subprocess.CompletedProcess[str]) -> None:
    """It ends well and shows something."""
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout


def test_the_demos_environment_holds_no_torch(first: subprocess.CompletedProcess[str]) -> None:
    """A checkpoint becomes an artefact and vectors without torch or transformers."""
    assert first.returncode == 0, first.stdout + first.stderr
    command = [str(REPOSITORY / ".venv-demo" / "bin" / "python"), "-m", "pip", "list", "--format=json"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    packages = {package["name"].lower().replace("_", "-") for package in json.loads(listed.stdout)}
    assert "onnxruntime" in packages
    assert packages & UNWANTED == set()


def test_a_second_run_takes_seconds(first: subprocess.CompletedProcess[str]) -> None:
    """Environment, weights and artefact are reused."""
    assert first.returncode == 0, first.stdout + first.stderr
    start = time.perf_counter()
    second = make_demo()
    assert second.returncode == 0, second.stdout + second.stderr
    assert time.perf_counter() - start <= SECONDS_FOR_THE_SECOND
