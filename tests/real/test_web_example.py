"""The example for Node and the browser: an exported artifact gives there what it gives here."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.manifest import FileEntry
from biolord_onnx.embedder import Embedder
from guards.readme import REPOSITORY
from portable.environments import node, run
from real.chromium import chromium
from real.conftest import Drafts
from real.exports import MINILM, RealExports

pytestmark = pytest.mark.real

EXAMPLE = REPOSITORY / "examples" / "web"
TEXTS = ["Cat scratch injury", "fièvre 38,5° 😀", "日本語 テスト", "a\tb\nc", "", "cat scratch " * 300]
SECONDS = 240


@pytest.fixture(scope="module")
def example(exported: RealExports, drafts: Drafts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the example with its packages, as npm installs them, and a portable artifact."""
    folder = tmp_path_factory.mktemp("web") / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", "artifact"))
    run([node().with_name("npm"), "ci", "--silent", "--no-audit", "--no-fund"], folder)
    write_portable(folder / "artifact", drafts(MINILM) / "int8", exported(MINILM, "cpu-int8"))
    return folder


def write_portable(folder: Path, draft: Path, other: Artifact) -> None:
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
    manifest = replace(other.manifest, target="portable-int8", files=tuple(files), requires=requires, golden=None)
    (folder / "manifest.json").write_text(manifest.to_json(), "utf-8")


def test_node_gives_the_same_vectors(example: Path) -> None:
    """Token ids equal, cut ones too, and unit vectors but for the rounding of other kernels."""
    lines = run([node(), "node.mjs", "artifact", *TEXTS], example).splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert [row["text"] for row in rows] == TEXTS
    with Embedder.load(example / "artifact") as embedder:
        expected = embedder.encode_with_info(TEXTS, normalize=True).vectors
        ids = embedder._open("encode").tokenizer.tokenize(TEXTS, embedder.max_length).ids
    assert [row["ids"] for row in rows] == [list(some) for some in ids]
    found = np.array([row["embedding"] for row in rows], np.float32)
    assert np.sum(found * expected, axis=1).min() > 0.999


def test_another_target_is_refused(example: Path, tmp_path: Path) -> None:
    """With the way out."""
    shutil.copytree(example / "artifact", tmp_path / "other")
    manifest = tmp_path / "other" / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"portable-int8"', '"cpu-int8"'), "utf-8")
    with pytest.raises(RuntimeError, match=r"the artifact is cpu-int8, which needs .* export portable-int8"):
        run([node(), "node.mjs", str(tmp_path / "other"), "cat"], example)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            port = process.stdout.readline().split(" port ")[1].split()[0]
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def test_a_browser_ranks_names(example: Path, tmp_path: Path) -> None:
    """The page loads the artifact, ranks what is typed, asks nobody else, and has nothing to complain about."""
    with served(example) as address, chromium(tmp_path / "profile") as page:
        page.open(f"{address}/index.html")
        wait(page, "!document.querySelector('button').disabled")
        page.evaluate("document.querySelector('button').click()")
        wait(page, "document.querySelectorAll('#found tr').length === 4")
        rows = page.evaluate("[...document.querySelectorAll('#found tr')].map((row) => row.innerText.split('\\t'))")
        requests, complaints = page.requests(), page.complaints()
    assert isinstance(rows, list)
    names = ["Bartonellosis", "Cat bite", "Gestational hypertension", "Hypoglycaemia"]
    with Embedder.load(example / "artifact") as embedder:
        scores = embedder.encode(names, normalize=True) @ embedder.encode("cat scratch injury", normalize=True)
    order = np.argsort(-scores)
    assert [name for _, name in rows] == [names[index] for index in order]
    np.testing.assert_allclose([float(score) for score, _ in rows], scores[order], atol=0.01)
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    assert [complaint for complaint in complaints if "favicon" not in json.dumps(complaint)] == []


def wait(page: Any, condition: str) -> None:  # noqa: ANN401 - the page of chromium's module
    """Wait until something holds in the page."""
    deadline = time.monotonic() + SECONDS
    while page.evaluate(condition) is not True:
        assert time.monotonic() < deadline, page.evaluate("document.body.innerText")
        time.sleep(0.1)
