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
from guards.readme import REPOSITORY

EXAMPLES = REPOSITORY / "examples" / "stores"
NAMES = [
    f"{first} {second} {number}"
    for number in range(2000)
    for first in ("cat", "dog")
    for second in ("bite", "scratch", "fever", "heart", "injury")
]
QUERY = "dog bite 77"


@pytest.fixture
def names_file(tmp_path: Path) -> Path:
    """Give the names as a file."""
    path = tmp_path / "names.txt"
    path.write_text("\n".join(NAMES), encoding="utf-8")
    return path


def nearest(embedder: Embedder) -> list[float]:
    """Return the five highest cosines."""
    vectors = embedder.encode(NAMES, normalize=True)
    return sorted(map(float, vectors @ embedder.encode(QUERY, normalize=True)), reverse=True)[:5]


def run(name: str, tiny: Path, names_file: Path, *more: str) -> list[tuple[float, str]]:
    """Run an example; return what it found."""
    command = [sys.executable, str(EXAMPLES / name), str(tiny), str(names_file), QUERY, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [(float(line[:5]), line[7:]) for line in done.stdout.splitlines()]


def check(found: list[tuple[float, str]], embedder: Embedder) -> None:
    """Check that the name itself is first, and the cosines are the highest there are."""
    assert len(NAMES) == 20_000
    assert found[0] == (1.0, QUERY)
    np.testing.assert_allclose([cosine for cosine, _ in found], nearest(embedder), atol=0.001)


@pytest.mark.parametrize("name", ["lancedb_names.py", "duckdb_names.py"])
def test_stores_in_the_process(name: str, tiny: Path, names_file: Path, embedder: Embedder) -> None:
    """LanceDB and DuckDB."""
    check(run(name, tiny, names_file), embedder)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    """Give a PostgreSQL of the test's own; the package brings server and extension."""
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)  # started by root, it changes to another user
    server = pgserver.get_server(tmp_path / "postgres")
    yield server.get_uri()
    server.cleanup()


def test_postgresql(postgres: str, tiny: Path, names_file: Path, embedder: Embedder) -> None:
    """With pgvector."""
    check(run("pgvector_names.py", tiny, names_file, postgres), embedder)
