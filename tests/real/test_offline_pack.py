"""A pack on a machine without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.embedder import Embedder
from guards.missing import find_program
from real.machines import run
from unit.runtime.command import run_process

pytestmark = pytest.mark.real

BAR_MB = 190
CONNECT = "import socket; socket.create_connection(('1.1.1.1', 53), timeout=5)"


def test_a_pack_is_installed_without_a_network(
    demo_artifact: Artifact, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    """A fresh Python, no network at all: install, then a query, with the vector of the artifact itself."""
    unshare = [find_program("unshare", "util-linux", as_root=True), "--net"]
    pack = tmp_path / "pack.tar"
    packed = run_process("pack", demo_artifact.path, "--wheel", pack, "--offline-for", "linux-x86_64", "--name", "edge")
    assert packed.code == 0, packed.err
    size = pack.stat().st_size / 1e6
    figure(f"offline pack of {demo_artifact.manifest.name}: {size:.0f} MB (bar {BAR_MB})")
    assert size <= BAR_MB

    subprocess.run(["tar", "xf", pack, "-C", tmp_path], check=True)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    assert run(*unshare, python, "-c", CONNECT).returncode != 0
    installed = run(*unshare, "sh", tmp_path / "pack" / "install.sh", python)
    assert installed.returncode == 0, installed.stderr
    found = run(*unshare, python.with_name("biolord"), "embed", "edge", "Cat scratch injury")
    assert found.returncode == 0, found.stderr
    with Embedder.load(demo_artifact.path) as embedder:
        expected = embedder.encode("Cat scratch injury")
    np.testing.assert_array_equal(np.array(json.loads(found.stdout)["embedding"], np.float32), expected)
