"""Embedders that a process shares."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from biolord_onnx import loading as shared
from biolord_onnx.errors import ArtifactError
from biolord_onnx.loading import LoadOptions


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin as a new process does."""
    monkeypatch.setattr(shared, "_loaded", {})


def test_cores_are_shared() -> None:
    """Each process gets its share, and one core at least."""
    assert LoadOptions("a", threads=8).shared(3).threads == 2
    assert LoadOptions("a", threads=2).shared(4).threads == 1


def test_an_artifact_is_loaded_once(tiny: Path) -> None:
    """However many threads ask, and however often the options were copied; other options are another one."""
    options = LoadOptions(str(tiny), threads=1)
    copies = [pickle.loads(pickle.dumps(options)) for _ in range(8)]  # noqa: S301 - our own
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda copy: id(copy.embedder()), copies))
    assert found == {id(options.embedder())}
    assert LoadOptions(str(tiny), threads=2).embedder() is not options.embedder()


def test_a_failure_is_not_kept(tmp_path: Path, tiny: Path) -> None:
    """Who copies the artifact to its place and asks again gets it."""
    options = LoadOptions(str(tmp_path / "artifact"), threads=1)
    with pytest.raises(ArtifactError, match="does not exist"):
        options.embedder()
    (tmp_path / "artifact").symlink_to(tiny)
    assert options.embedder().dim == 8
