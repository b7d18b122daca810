"""Names that come with their vectors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import InputError
from biolord_onnx.index.building.options import BuildOptions
from biolord_onnx.index.building.vocabulary import Name
from biolord_onnx.index.index import Index

NAMES = ["cat", "dog bite", "cat", "heart fever", "scratch"]
CODES = ["1", "2", "1", "3", "2"]


@pytest.fixture(scope="module")
def exact(compiled: Path) -> Iterator[Embedder]:
    """Give an embedder whose vectors don't depend on their batch."""
    with Embedder.load(compiled, threads=1) as loaded:
        yield loaded


def named(vectors: np.ndarray) -> list[Name]:
    """Give names their vectors."""
    return [Name(text, code, vector=vector) for text, code, vector in zip(NAMES, CODES, vectors, strict=True)]


def test_the_index_is_that_of_the_names_alone(exact: Embedder, tmp_path: Path) -> None:
    """To the byte, wherever the vectors were computed; a repeated name's vector isn't taken twice."""
    vectors = exact.encode(NAMES, normalize=True)
    given = Index.build(exact, named(vectors), tmp_path / "given.index")
    alone = Index.build(exact, [Name(*pair) for pair in zip(NAMES, CODES, strict=True)], tmp_path / "alone.index")
    assert (given.rows, given.fingerprint) == (4, alone.fingerprint)
    again = Index.build(exact, named(vectors), tmp_path / "given.index", BuildOptions(update=True))
    assert again.manifest.files == alone.manifest.files
    assert not (tmp_path / "given.index" / ".work").exists()


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.ones(3), r"the vector of 'x' has shape \[3\], the artifact's have \["),
        (2.0, "the vector of 'x' has length 2, expected 1: embed names with normalize=True"),
        (np.nan, "the vector of 'x' has length nan, expected 1"),
        (None, "the name 'x' has no vector, those before have one: give all a vector, or none"),
    ],
)
def test_other_vectors_are_refused(exact: Embedder, tmp_path: Path, vector: object, message: str) -> None:
    """They would be compared with queries all the same."""
    good = exact.encode("cat", normalize=True)
    bad = good * vector if isinstance(vector, float) else vector
    names = [Name("cat", vector=good), Name("x", vector=bad)]  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message):
        Index.build(exact, names, tmp_path / "i")
    assert not (tmp_path / "i" / "manifest.json").exists()


def test_vectors_are_of_names_as_they_are(exact: Embedder, tmp_path: Path) -> None:
    """All have one, or none; and no template says what was embedded."""
    good = exact.encode("cat", normalize=True)
    with pytest.raises(InputError, match="the name 'dog' has a vector, those before have none"):
        Index.build(exact, [Name("cat"), Name("dog", vector=good)], tmp_path / "i")
    with pytest.raises(InputError, match="name 0 comes with a vector, and a template says what is embedded"):
        Index.build(exact, [Name("cat", vector=good)], tmp_path / "i", BuildOptions(template="a {name}"))
