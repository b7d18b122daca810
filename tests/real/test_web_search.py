"""The static page that searches an index: it finds what the runtime finds, with the scores' own bits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biolord_onnx.embedder import Embedder
from biolord_onnx.index.building.options import BuildOptions
from biolord_onnx.index.building.vocabulary import Vocabulary
from biolord_onnx.index.hits import Hit
from biolord_onnx.index.index import Index
from portable.environments import NODE_FOLDER, node, run
from real.chromium import chromium
from real.web import EXAMPLE, example, served, wait
from unit.runtime.compiled_artifact import write_compiled_artifact

pytestmark = pytest.mark.real
__all__ = ["example"]

NAMES = ("Bartonellosis", "Cat-scratch disease", "High blood pressure", "Straße", "Fever", "Dog bite", "日本脳炎")
KINDS = ("infection", "infection", "sign", "other", "sign", "injury", "infection")
QUERIES = ("cat scratch", "STRASSE", "  fever ", "日本", "hypertension")


def table(folder: Path, copies: int) -> Vocabulary:
    """Write a table of names, several of each code, and say how it is read."""
    rows = [
        f"C{place},{name}{' ' + str(copy) if copy else ''},{kind}"
        for copy in range(copies)
        for place, (name, kind) in enumerate(zip(NAMES, KINDS, strict=True))
    ]
    path = folder / "names.csv"
    path.write_text("\n".join(["code,name,kind", *rows]), encoding="utf-8")
    return Vocabulary(str(path), "name", "code", ("kind",))


def as_json(found: list[list[Hit]]) -> list[list[dict[str, Any]]]:
    """Return hits as JavaScript writes them."""
    return [[asdict(hit) | {"kept": dict(hit.kept)} for hit in hits] for hits in found]


SEARCHES: tuple[dict[str, Any], ...] = (
    {"top": 7},
    {"top": 3},
    {"top": 40, "all_names": True},
    {"top": 7, "where": {"kind": "sign"}},
    {"top": 5, "where": {"kind": "infection"}, "all_names": True},
)


@pytest.mark.parametrize("rescore", [True, False])
def test_the_same_hits_with_the_same_bits(tmp_path: Path, rescore: bool) -> None:
    """Of the same vectors: filtered, of all names, more than are shown. An index of another artifact is refused."""
    with Embedder.load(write_compiled_artifact(tmp_path / "tiny")) as embedder:
        index = Index.build(embedder, table(tmp_path, 9), tmp_path / "index", BuildOptions(rescore=rescore))
        vectors = embedder.encode(QUERIES, normalize=True).tolist()
        expected = [hits for options in SEARCHES for hits in index.search([*QUERIES], **options)]
        fingerprint = embedder.fingerprint
    asked = [
        {"vector": vector, "text": text, "options": options | {"allNames": options.get("all_names", False)}}
        for options in SEARCHES
        for text, vector in zip(QUERIES, vectors, strict=True)
    ]
    found = search(tmp_path, fingerprint, asked)
    rounded = [[hit | {"score": float(np.float32(hit["score"]))} for hit in hits] for hits in found]
    assert rounded == as_json(expected)
    assert sum(hit["exact"] for hits in rounded for hit in hits) > 5
    with pytest.raises(RuntimeError, match=r"the index holds vectors of .*, queries are of 0{64}"):
        search(tmp_path, "0" * 64, [])


def search(folder: Path, fingerprint: str, searches: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - JSON
    """Search the index of a folder in Node."""
    request = folder / "request.json"
    content = {"example": str(EXAMPLE), "index": str(folder / "index"), "fingerprint": fingerprint}
    request.write_text(json.dumps(content | {"searches": searches}), "utf-8")
    return json.loads(run([node(), NODE_FOLDER / "search.mjs", request]))


@pytest.fixture(scope="module")
def searched(example: Path) -> Index:
    """Give the index that lies beside the example's portable artifact, which made it."""
    embedder = Embedder.load(example / "artifact")
    return Index.build(embedder, table(example, 1), example / "index")


@pytest.fixture
def address(example: Path) -> Iterator[str]:
    """Serve the example as its npm start does."""
    with served(example) as address:
        yield address


def test_node_searches_without_a_server(example: Path, searched: Index) -> None:
    """From texts: the order of the runtime, and its scores but for the rounding of other kernels."""
    lines = run([node(), "find.mjs", "artifact", "index", *QUERIES], example).splitlines()
    for line, hits in zip(lines, searched.search([*QUERIES]), strict=True):
        found = json.loads(line)
        assert [hit["code"] for hit in found] == [hit.code for hit in hits]
        np.testing.assert_allclose([hit["score"] for hit in found], [hit.score for hit in hits], atol=0.01)


def test_a_browser_searches_as_one_types(searched: Index, address: str, tmp_path: Path) -> None:
    """On two threads, for the page is isolated; it asks nobody else and has nothing to complain about."""
    with chromium(tmp_path / "profile") as page:
        page.open(f"{address}/search.html")
        wait(page, "!document.querySelector('#query').disabled")
        status = page.evaluate("document.querySelector('#status').textContent")
        page.ask("Input.insertText", text="cat scratch")
        wait(page, "document.querySelectorAll('tr').length === 8")
        rows = page.evaluate(
            "[...document.querySelectorAll('tr')].map((row) => [...row.cells].map((c) => c.textContent))"
        )
        requests, complaints = page.requests(), page.complaints()
    assert isinstance(rows, list)
    (hits,) = searched.search(["cat scratch"])
    assert [row[1:] for row in rows[1:]] == [[hit.code, hit.name, hit.kept["kind"]] for hit in hits]
    assert f"{searched.rows} names" in str(status)
    assert "threads: 2" in str(status)
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    assert [complaint for complaint in complaints if "favicon" not in json.dumps(complaint)] == []
