"""The lean runtime on aarch64, under qemu, with the wheels that a pack for it brings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_onnx.embedder import Embedder
from biolord_onnx.pack.platforms import PLATFORMS
from guards.missing import find_program
from guards.readme import REPOSITORY
from guards.wheels import build_wheel
from real.exports import MINILM, RealExports
from real.machines import Arm, make_debian, run
from unit.runtime.command import run_process
from unit.runtime.compiled_artifact import write_compiled_artifact

pytestmark = pytest.mark.real

TEXTS = ("Cat scratch injury", "Bartonellosis", "fièvre 38,5°", "")
PLATFORM = PLATFORMS["linux-aarch64"]
# Of the fast tests those of what touches the machine: sessions, kernels, threads, tokenizers.
FAST_TESTS = ("test_embedder", "session/test_session", "session/test_saturation", "tokenizer/test_tokenizer")
TEST_PACKAGES = ("hypothesis", "onnx", "pyarrow", "pytest", "safetensors")
# qemu before version 10 can't load later ones: it stops at an instruction of theirs that it doesn't know.
LAST_ONNXRUNTIME_OF_OLD_QEMU = "1.27.0"


def fetch(folder: Path, requirements: Sequence[str], *options: str) -> Path:
    """Lay packages for aarch64 out in a folder."""
    tags = [part for tag in PLATFORM.tags for part in ("--platform", tag)]
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--target",
        folder,
        "--only-binary",
        ":all:",
        *tags,
    ]
    done = run(*command, "--python-version", "3.11", "--implementation", "cp", *options, *requirements)
    assert done.returncode == 0, done.stderr
    return folder


def is_old(qemu: str) -> bool:
    """Whether a qemu is older than version 10."""
    shown = run(qemu, "--version").stdout
    found = re.search(r"version (\d+)\.", shown)
    assert found is not None, shown
    return int(found[1]) < 10


@pytest.fixture(scope="module")
def own_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give this tree's wheel for aarch64."""
    return build_wheel(tmp_path_factory.mktemp("dist"), BIOLORD_KERNELS_PLATFORM="linux_aarch64")


@pytest.fixture(scope="module")
def arm(exported: RealExports, own_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Arm:
    """Give an aarch64 Python with what a pack brings, installed from it alone."""
    qemu = find_program("qemu-aarch64", "qemu-user")
    folder = tmp_path_factory.mktemp("arm")
    artifact = exported(MINILM, "cpu-int8")
    options = ["--offline-for", PLATFORM.name, "--python", "3.11", "--name", "edge", "--find-links", own_wheel.parent]
    packed = run_process("pack", artifact.path, "--wheel", folder / "pack", *options)
    assert packed.code == 0, packed.err
    site = fetch(folder / "site", ["edge"], "--no-index", "--find-links", str(folder / "pack" / "wheels"))
    engine = f"onnxruntime=={LAST_ONNXRUNTIME_OF_OLD_QEMU}"
    first = (fetch(folder / "engine", [engine], "--no-deps"),) if is_old(qemu) else ()
    root = make_debian(folder / "root", "python3", "libstdc++6", arch="arm64")
    return Arm(qemu, root, (*first, site))


def vectors(outcome: subprocess.CompletedProcess[str]) -> NDArray[np.float32]:
    """Read JSON lines."""
    assert outcome.returncode == 0, outcome.stderr
    return np.array([json.loads(line)["embedding"] for line in outcome.stdout.splitlines()], np.float32)


def test_vectors_are_those_of_x86(arm: Arm, exported: RealExports, figure: Callable[[str], None]) -> None:
    """Loaded by name from the pack. Other kernels round floats otherwise, so not bit for bit."""
    command = ["-m", "biolord_onnx.cli.main", "embed", "edge", "--normalize", "--", *TEXTS]
    found = vectors(arm.python(*command))
    with Embedder.load(exported(MINILM, "cpu-int8").path) as embedder:
        expected = embedder.encode(TEXTS, normalize=True)
    cosines = np.sum(found * expected, axis=1)
    figure(f"{MINILM} cpu-int8 on aarch64 (emulated): cosine to x86's {cosines.min():.6f} or more")
    assert cosines.min() >= 0.999


def test_the_wheels_operators_run_there(arm: Arm, own_wheel: Path, tmp_path: Path) -> None:
    """All kinds of Arm; the vectors of an artifact on them have the bits that they have here."""
    with zipfile.ZipFile(own_wheel) as archive:
        archive.extractall(tmp_path / "site")
    there = Arm(arm.program, arm.root, (tmp_path / "site", *arm.site))
    asked = there.python("-c", "from biolord_onnx.session import kernels; print(*kernels.available())")
    assert asked.stdout.split() == ["neon_i8mm", "neon_dotprod", "plain"], asked.stderr
    compiled = write_compiled_artifact(tmp_path / "compiled")
    found = vectors(there.python("-m", "biolord_onnx.cli.main", "embed", compiled, "--", *TEXTS))
    with Embedder.load(compiled) as embedder:
        np.testing.assert_array_equal(found, embedder.encode(TEXTS))


def test_the_fast_tests_pass_there(arm: Arm, tmp_path: Path) -> None:
    """In this tree, with pytest for aarch64."""
    tools = fetch(tmp_path / "tools", TEST_PACKAGES)
    there = Arm(arm.program, arm.root, (*arm.site, tools))
    files = [REPOSITORY / "tests/unit/runtime" / f"{name}.py" for name in FAST_TESTS]
    options: list[str | Path] = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        REPOSITORY,
    ]
    done = there.python("-m", "pytest", *options, *files)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\b[1-9]\d\d passed, 2 skipped in ", done.stdout), done.stdout[-300:]
