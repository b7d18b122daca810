"""An index to link to, for this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from biolord_onnx.embedder import Embedder
from biolord_onnx.index.building.vocabulary import Vocabulary
from biolord_onnx.index.index import Index
from unit.runtime.fixtures import biolord, embedder, tiny

__all__ = ["biolord", "embedder", "tiny"]

WORDS = ("cat", "dog", "scratch", "bite", "fever", "heart", "injury")
NAMES = [f"{first} {second}" for first in WORDS for second in WORDS if first != second]


@pytest.fixture(scope="session")
def index_path(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """Give an index of 42 names, of which each two have a code, and a domain."""
    folder = tmp_path_factory.mktemp("index")
    rows = [f"{1 + at // 2},{name},{name.split()[0]}" for at, name in enumerate(NAMES)]
    (folder / "names.csv").write_text("\n".join(["id,name,domain_id", *rows, ""]), "utf-8")
    vocabulary = Vocabulary(str(folder / "names.csv"), "name", "id", keep=("domain_id",))
    Index.build(embedder, vocabulary, folder / "names.index")
    return folder / "names.index"


@pytest.fixture
def index(index_path: Path, embedder: Embedder) -> Index:
    """Open that index."""
    return Index.open(index_path, embedder=embedder)
