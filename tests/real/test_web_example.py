"""The example for Node and the browser: an exported artifact gives there what it gives here."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biolord_onnx.embedder import Embedder
from guards.readme import DOCS, blocks
from portable.environments import NODE_FOLDER, node, run
from real.web import LEAST_COSINE, TEXTS, example, served

pytestmark = pytest.mark.real
__all__ = ["example"]


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
    assert np.sum(found * expected, axis=1).min() >= LEAST_COSINE


def test_another_target_is_refused(example: Path, tmp_path: Path) -> None:
    """With the way out."""
    shutil.copytree(example / "artifact", tmp_path / "other")
    manifest = tmp_path / "other" / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"portable-int8"', '"cpu-int8"'), "utf-8")
    with pytest.raises(RuntimeError, match=r"the artifact is cpu-int8, which needs .* export portable-int8"):
        run([node(), "node.mjs", str(tmp_path / "other"), "cat"], example)


def test_a_damaged_artifact_is_refused(example: Path, tmp_path: Path) -> None:
    """As in the runtime: a file is the one that the manifest lists, or nothing is loaded."""
    shutil.copytree(example / "artifact", tmp_path / "damaged")
    with (tmp_path / "damaged" / "tokenizer.json").open("a") as stream:
        stream.write(" ")
    with pytest.raises(RuntimeError, match=r"tokenizer.json has SHA-256 .*, manifest.json says .*: export again"):
        run([node(), "node.mjs", str(tmp_path / "damaged"), "cat"], example)


def test_the_server_stays_in_its_folder(example: Path) -> None:
    """And isolates what it gives; what isn't there is an error of the client, however it is spelled."""
    paths = ["/", "/search", "/../serve.mjs", "/%2e%2e/serve.mjs", "/%2e%2e%2fserve.mjs", "/%00", "/%zz", "/tokenizer"]
    with served(example / "tokenizer") as address, served(example) as wider:
        answers = {path: answered(wider, path) for path in paths}
        outside = {path: answered(address, path) for path in paths}
    assert answers == dict.fromkeys(paths[:4], 200) | dict.fromkeys(paths[4:], 404)
    assert outside == dict.fromkeys(paths, 404)


def answered(address: str, path: str) -> int:
    """Ask for a path as it is spelled; return the answer's status."""
    with closing(HTTPConnection(address.removeprefix("http://"))) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        return answer.status


def test_it_is_a_package(example: Path, tmp_path: Path) -> None:
    """It is packed by npm; what is unpacked has types that a strict compiler takes, the guide's lines too, and runs."""
    npm = node().with_name("npm")
    (packed,) = run([npm, "pack", "--silent", "--pack-destination", str(tmp_path)], example).split()
    modules = tmp_path / "node_modules"
    shutil.unpack_archive(tmp_path / packed, modules)
    (modules / "package").rename(modules / "biolord-onnx-web")
    assert not list(modules.rglob("*.html"))
    shutil.copytree(example / "node_modules" / "onnxruntime-web", modules / "onnxruntime-web")
    shutil.copytree(example / "node_modules" / "onnxruntime-common", modules / "onnxruntime-common")
    for name in ("user.mts", "tsconfig.json"):
        shutil.copyfile(NODE_FOLDER / name, tmp_path / name)
    (guide,) = (
        block for block in blocks((DOCS / "guides" / "browser.md").read_text("utf-8")) if block.language == "js"
    )
    (tmp_path / "guide.mts").write_text(guide.text, "utf-8")
    run([node(), NODE_FOLDER / "node_modules" / "typescript" / "bin" / "tsc"], tmp_path)
    assert run([node(), "user.mjs"], tmp_path).splitlines() == [
        "1 strasse",
        "the artifact has format 1, expected 2: export it again",
    ]
