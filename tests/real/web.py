"""The web example with its packages and a portable artifact, served, and a page of it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.manifest import FileEntry
from biolord_onnx.embedder import Embedder
from guards.readme import REPOSITORY
from portable.environments import node, run
from real.chromium import Page
from real.conftest import Drafts
from real.exports import MINILM, RealExports

EXAMPLE = REPOSITORY / "examples" / "web"
TEXTS = ["Cat scratch injury", "fièvre 38,5° 😀", "日本語 テスト", "a\tb\nc", "", "cat scratch " * 300]
SECONDS = 240
LEAST_COSINE = 0.999
STATUS = "document.querySelector('#status').textContent"
READY = "!document.querySelector('button').disabled"


@pytest.fixture(scope="module")
def example(exported: RealExports, drafts: Drafts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the example with its packages, as npm installs them, and a portable artifact."""
    folder = tmp_path_factory.mktemp("web") / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", "artifact"))
    run([node().with_name("npm"), "ci", "--silent", "--no-audit", "--no-fund"], folder)
    write_portable(folder / "artifact", drafts(MINILM) / "int8", exported(MINILM, "cpu-int8"))
    return folder


def write_portable(folder: Path, draft: Path, other: Artifact, target: str = "portable-int8") -> None:
    """Put a portable graph, and what an artifact of the same checkpoint has beside its own, into one artifact.

    An export would do the same, and measure it for a minute; that it does is tested elsewhere.
    """
    folder.mkdir()
    for path in (*draft.iterdir(), other.tokenizer_path):
        shutil.copyfile(path, folder / path.name)
    files = [
        FileEntry(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        for path in sorted(folder.iterdir())
    ]
    requires = replace(other.manifest.requires, operators={})
    manifest = replace(other.manifest, target=target, files=tuple(files), requires=requires, golden=None)
    (folder / "manifest.json").write_text(manifest.to_json(), "utf-8")


@contextmanager
def served(folder: Path, command: Sequence[str | Path] = ()) -> Iterator[str]:
    """Serve the example as its npm start does, or by another command, on a free port of this machine."""
    chosen = command or (node(), EXAMPLE / "serve.mjs", "0", folder)
    with subprocess.Popen(
        chosen, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"http://[\w.]+:\d+", process.stdout.readline())
            assert found
            yield found[0]
        finally:
            # The environment's node is a program that starts the real one.
            os.killpg(process.pid, signal.SIGTERM)


def wait(page: Page, condition: str) -> None:
    """Wait until something holds in the page."""
    deadline = time.monotonic() + SECONDS
    while page.evaluate(condition) is not True:
        assert time.monotonic() < deadline, page.evaluate("document.body.innerText")
        time.sleep(0.1)


def found_in(page: Page, pattern: str) -> list[int]:
    """Return the numbers that the page's status has where a pattern has groups."""
    status = str(page.evaluate(STATUS))
    found = re.search(pattern, status)
    assert found, status
    return [int(number) for number in found.groups()]


def cosines_to_cpu(artifact: Path, texts: list[str], vectors: object) -> NDArray[np.float32]:
    """Compare unit vectors with those that the runtime gives of the same artifact."""
    assert isinstance(vectors, list), vectors
    with Embedder.load(artifact) as embedder:
        expected = embedder.encode_with_info(texts, normalize=True).vectors
    cosines: NDArray[np.float32] = np.sum(np.array(vectors, np.float32) * expected, axis=1)
    return cosines
