"""The wheel in fresh environments, as a user installs it: newest dependencies, nothing of this tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx import __version__
from biolord_onnx.embedder import Embedder
from guards.wheels import build_wheel
from unit.runtime.compiled_artifact import write_compiled_artifact
from unit.runtime.tiny_artifact import DIM, write_tiny_artifact

pytestmark = pytest.mark.real

UNWANTED = {"onnx", "optimum", "safetensors", "sentence-transformers", "torch", "transformers"}
ENGINES = {"onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-ep-openvino"}


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it, and a folder outside the tree to work in."""

    bin: Path
    work: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, outside the tree and without the tree's variables."""
        ours = ("COVERAGE", "PYTHON", "VIRTUAL_ENV")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        program = [str(self.bin / command[0]), *command[1:]]
        return subprocess.run(program, cwd=self.work, env=environment, capture_output=True, text=True, check=False)

    def packages(self) -> set[str]:
        """Names of what is installed."""
        listed = self.run("python", "-m", "pip", "list", "--format=json", "--disable-pip-version-check")
        return {package["name"].lower().replace("_", "-") for package in json.loads(listed.stdout)}


def install(requirement: str, folder: Path) -> Installed:
    """Make a fresh environment and install one requirement, unpinned."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "environment")], check=True)
    (folder / "work").mkdir()
    installed = Installed(folder / "environment" / "bin", folder / "work")
    options: Sequence[str] = ("--quiet", "--disable-pip-version-check")
    done = installed.run("python", "-m", "pip", "install", *options, requirement)
    assert done.returncode == 0, done.stderr
    return installed


@pytest.fixture(scope="module")
def lean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The lean install: the wheel with the extra `cpu`, and a tiny artifact of either kind to work on."""
    installed = install(f"{wheel}[cpu]", tmp_path_factory.mktemp("lean"))
    write_tiny_artifact(installed.work / "tiny")
    write_compiled_artifact(installed.work / "compiled")
    return installed


@pytest.fixture(scope="module")
def pure(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The same from a wheel without compiled operators, as machines without a target get it."""
    folder = tmp_path_factory.mktemp("pure")
    installed = install(f"{build_wheel(folder, BIOLORD_BUILD_KERNELS='off')}[cpu]", folder)
    write_tiny_artifact(installed.work / "tiny")
    write_compiled_artifact(installed.work / "compiled")
    return installed


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel without any extra, and a tiny artifact to fail on."""
    installed = install(str(wheel), tmp_path_factory.mktemp("bare"))
    write_tiny_artifact(installed.work / "tiny")
    return installed


def test_the_lean_install_holds_one_engine_and_nothing_heavy(lean: Installed) -> None:
    """No torch, transformers, onnx or safetensors comes with the runtime."""
    packages = lean.packages()
    assert packages & UNWANTED == set()
    assert packages & ENGINES == {"onnxruntime"}


def test_the_package_is_imported_from_the_environment(lean: Installed) -> None:
    """Isolated Python imports the wheel's files, of both packages."""
    code = "import biolord_onnx, biolord_export; print(biolord_onnx.__file__, biolord_export.__file__)"
    done = lean.run("python", "-I", "-c", code)
    assert done.returncode == 0, done.stderr
    assert all(Path(path).is_relative_to(lean.bin.parent) for path in done.stdout.split())


def test_python_encodes(lean: Installed) -> None:
    """Five lines of Python give a vector a text, warnings being errors."""
    code = (
        "from biolord_onnx import Embedder\n"
        "with Embedder.load('tiny') as embedder:\n"
        "    vectors = embedder.encode(['cat scratch', 'dog bite'])\n"
        "    print(vectors.shape, vectors.dtype, embedder.provider)\n"
    )
    done = lean.run("python", "-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"(2, {DIM}) float32 cpu\n"


def test_compiled_operators_run(lean: Installed) -> None:
    """They come with the wheel, and give the vectors that they give in this tree, bit by bit."""
    done = lean.run("biolord", "embed", "compiled", "cat scratch", "fever")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line)["embedding"] for line in done.stdout.splitlines()]
    with Embedder.load(lean.work / "compiled") as embedder:
        np.testing.assert_array_equal(np.array(found, np.float32), embedder.encode(["cat scratch", "fever"]))


def test_without_compiled_operators(pure: Installed) -> None:
    """Artifacts that need none run; for the others a line says what is missing, how to get it, and what runs."""
    assert pure.run("biolord", "embed", "tiny", "fever").returncode == 0
    for command in (("embed", "compiled", "fever"), ("info", "compiled")):
        done = pure.run("biolord", *command)
        said = done.stderr if command[0] == "embed" else done.stdout
        (line,) = (line for line in said.splitlines() if "the compiled operators" in line)
        assert "on which cpu-int8 and cpu-int4 run, are missing here" in line
        assert f"pip install --force-reinstall --no-deps --no-cache-dir biolord-onnx=={__version__}, or pip" in line
        assert "artifacts of cpu-fp32, cuda-fp16 and the portable targets run without" in line
    assert pure.run("biolord", "embed", "compiled", "fever").returncode == 2


def test_the_command_tells_its_version_and_its_commands(lean: Installed) -> None:
    """`--version` and `--help` work; the exporter's commands are listed without what they need."""
    assert lean.run("biolord", "--version").stdout == f"biolord {__version__}\n"
    overview = lean.run("biolord", "--help")
    assert overview.returncode == 0, overview.stderr
    assert all(f"\n  {name} " in overview.stdout for name in ("embed", "export", "info", "similar", "verify"))


def test_the_command_shows_an_artifact(lean: Installed) -> None:
    """`biolord info --json` prints JSON alone, with the manifest and the provider that would run."""
    done = lean.run("biolord", "info", "tiny", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["manifest"]["dim"] == DIM
    assert shown["here"]["provider"] == "cpu"


def test_the_command_embeds(lean: Installed) -> None:
    """`biolord embed` prints one JSON line a text."""
    done = lean.run("biolord", "embed", "tiny", "cat scratch", "fever")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["text"] for line in lines] == ["cat scratch", "fever"]
    assert {len(line["embedding"]) for line in lines} == {DIM}


def test_a_command_that_lacks_its_packages_names_the_pip_command(lean: Installed) -> None:
    """`biolord export` without the extra is one line with what to type, and writes nothing."""
    (lean.work / "checkpoint").mkdir()
    done = lean.run("biolord", "export", "checkpoint", "out")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'biolord-onnx[cpu,export]'" in done.stderr
    assert not (lean.work / "out").exists()


def test_parquet_without_pyarrow_names_the_pip_command(lean: Installed) -> None:
    """The optional table format says which extra brings it."""
    done = lean.run("biolord", "embed", "tiny", "fever", "--output", "vectors.parquet")
    assert done.returncode == 2
    assert "pip install 'biolord-onnx[cpu,parquet]'" in done.stderr
    assert not (lean.work / "vectors.parquet").exists()


def test_a_bare_install_has_no_engine_and_imports(bare: Installed) -> None:
    """Without an extra the package imports and its command shows an artifact."""
    assert bare.packages() & (ENGINES | UNWANTED) == set()
    done = bare.run("biolord", "info", "tiny")
    assert done.returncode == 0, done.stderr
    assert "not installed" in done.stdout


def test_a_bare_install_names_the_extra_at_the_first_session(bare: Installed) -> None:
    """The first thing that needs an engine says how to get one."""
    done = bare.run("biolord", "embed", "tiny", "fever")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'biolord-onnx[cpu]'" in done.stderr
