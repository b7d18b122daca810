"""The examples of vector stores: 20,000 names go in, the nearest come out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pgserver
import pytest

from biolord_onnx.embedder import Embedder
from biolord_onnx.index.building.vocabulary import Name
from biolord_onnx.index.index import Index
from guards.readme import REPOSITORY

EXAMPLES = REPOSITORY / "examples" / "stores"
NAMES = [
    f"{first} {second} {number}"
    for number in range(2000)
    for first in ("cat", "dog")
    for second in ("bite", "scratch", "fever", "heart", "injury")
]
QUERY = "dog bite 77"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """Give an index of the names, with a code each."""
    path = tmp_path_factory.mktemp("stores") / "names.index"
    Index.build(embedder, [Name(name, f"C{number}") for number, name in enumerate(NAMES)], path)
    return path


def nearest(embedder: Embedder) -> list[float]:
    """Return the five highest cosines."""
    vectors = embedder.encode(NAMES, normalize=True)
    return sorted(map(float, vectors @ embedder.encode(QUERY, normalize=True)), reverse=True)[:5]


def run(name: str, index: Path, *more: str) -> list[tuple[float, str, str]]:
    """Run an example; return what it found."""
    command = [sys.executable, str(EXAMPLES / name), str(index), QUERY, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = (line.split("  ", 2) for line in done.stdout.splitlines())
    return [(float(cosine), code, found) for cosine, code, found in rows]


def check(found: list[tuple[float, str, str]], embedder: Embedder) -> None:
    """Check that the name itself is first, with its code, and the cosines are the highest there are."""
    assert len(NAMES) == 20_000
    assert found[0] == (1.0, f"C{NAMES.index(QUERY)}", QUERY)
    np.testing.assert_allclose([cosine for cosine, *_ in found], nearest(embedder), atol=0.001)


@pytest.mark.parametrize("name", ["lancedb_names.py", "duckdb_names.py"])
def test_stores_in_the_process(name: str, index: Path, embedder: Embedder) -> None:
    """LanceDB and DuckDB."""
    check(run(name, index), embedder)


@pytest.mark.parametrize("name", ["faiss_names.py", "usearch_names.py"])
def test_approximate_indexes(name: str, index: Path, embedder: Embedder) -> None:
    """Of names that are near each other as these are, some of the nearest may be missed, and 8 bits round."""
    pytest.importorskip(name.removesuffix("_names.py"))
    found = run(name, index)
    assert found[0][1:] == (f"C{NAMES.index(QUERY)}", QUERY)
    np.testing.assert_allclose([cosine for cosine, *_ in found], nearest(embedder), atol=0.02)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    """Give a PostgreSQL of the test's own; the package brings server and extension."""
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)  # started by root, it changes to another user
    server = pgserver.get_server(tmp_path / "postgres")
    yield server.get_uri()
    server.cleanup()


def test_postgresql(postgres: str, index: Path, embedder: Embedder) -> None:
    """With pgvector."""
    check(run("pgvector_names.py", index, postgres), embedder)
