"""Every layout of the table: exported to cpu-fp32 and compared with sentence-transformers, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.embedder import Embedder
from oracle.client import Oracle
from parity.authored import cosines
from parity.texts import names
from table.rows import ROWS
from tiny.checkpoint import write_checkpoint
from unit.export.places import Place

TEXTS = [*names(6), "É FEVER, Ménière", "a<mask>b [MASK] <mask> c", "猫 fever 糖", "", "cat scratch " * 40]
RUNS = [name for name, row in ROWS.items() if not row.refused]
REFUSED = [name for name, row in ROWS.items() if row.refused]


def write(folder: Path, name: str) -> Path:
    """Write a layout."""
    row = ROWS[name]
    row.edit(write_checkpoint(folder, architecture=row.architecture))
    return folder


def test_the_table_is_large_and_old() -> None:
    """Forty layouts at least, of every major since the second."""
    assert len(ROWS) >= 40
    assert {row.since for row in ROWS.values()} >= {2, 3, 5}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why(tmp_path: Path, name: str) -> None:
    """In one line, and nothing is written."""
    model = write(tmp_path / "model", name)
    (tmp_path / "place").mkdir()
    Place(tmp_path / "place").assert_refused(model, "--target", "cpu-fp32", message=ROWS[name].refused)


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write all layouts that run."""
    place = tmp_path_factory.mktemp("table")
    return {name: write(place / f"{number}", name) for number, name in enumerate(RUNS)}


@pytest.mark.real
@pytest.mark.parametrize("name", RUNS)
def test_vectors_are_sentence_transformers_own(
    layouts: dict[str, Path], oracle: Oracle, tmp_path: Path, name: str
) -> None:
    """Of short, long and empty texts."""
    expected = dict(zip(layouts, oracle.of_all(list(layouts.values()), TEXTS), strict=True))[name]
    place = Place(tmp_path)
    outcome = place.export(layouts[name], "--target", "cpu-fp32")
    assert outcome.code == 0, outcome.err
    with Embedder.load(place.out) as embedder:
        info = embedder.encode_with_info(TEXTS)
    assert info.vectors.shape == expected.vectors.shape
    assert cosines(info.vectors, expected.vectors).min() >= 0.99999
    np.testing.assert_allclose(info.vectors, expected.vectors, rtol=1e-3, atol=2e-5)
