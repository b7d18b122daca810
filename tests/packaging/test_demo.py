"""`make demo`, as the README tells people to type it."""

from __future__ import annotations

import json
import subprocess

import pytest

from guards.demo import BIN, Demo, first_demo, make_demo

pytestmark = pytest.mark.real

SECONDS_FOR_THE_SECOND = 30
UNWANTED = {"optimum", "optimum-onnx", "sentence-transformers", "torch", "transformers"}


@pytest.fixture(scope="module")
def first() -> Demo:
    """The first run, or one that found things made already."""
    return first_demo()


def test_the_demo_succeeds(first: Demo) -> None:
    """It ends well, with an artifact, its fidelity and neighbors."""
    assert first.artifact.is_dir()
    assert "gate: passed" in first.out
    assert "cat scratch injury  (" in first.out


def test_the_demos_environment_holds_no_torch(first: Demo) -> None:
    """A checkpoint becomes an artifact and vectors without torch or transformers."""
    assert first.artifact.is_dir()
    command = [str(BIN / "python"), "-m", "pip", "list", "--format=json"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    packages = {package["name"].lower().replace("_", "-") for package in json.loads(listed.stdout)}
    assert "onnxruntime" in packages
    assert packages & UNWANTED == set()


def test_a_second_run_takes_seconds(first: Demo) -> None:
    """Environment, weights and artifact are reused."""
    assert first.artifact.is_dir()
    second = make_demo()
    assert second.artifact == first.artifact
    assert "exported" not in second.out
    assert second.seconds <= SECONDS_FOR_THE_SECOND
