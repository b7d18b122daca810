"""The runtime's fixtures, for this folder, and artifacts whose vectors must not depend on company."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from biolord_onnx.embedder import Embedder
from unit.export.fixtures import Exported, exported
from unit.runtime.fixtures import biolord, compiled, compiled_copy, embedder, tiny, tiny_copy
from unit.runtime.tiny_artifact import tiny_manifest, write_tiny_artifact

__all__ = ["biolord", "compiled", "compiled_copy", "embedder", "exported", "tiny", "tiny_copy"]


@pytest.fixture(scope="session", params=["authored", "portable"])
def invariant(
    request: pytest.FixtureRequest,
    exported: Callable[[str, str], Exported],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Embedder]:
    """An embedder of a graph that takes padding out, and of one that doesn't, which gets texts of one length."""
    if request.param == "authored":
        folder = exported("mpnet", "cpu-int8").path
    else:
        folder = tmp_path_factory.mktemp("portable") / "artifact"
        write_tiny_artifact(folder, replace(tiny_manifest(), target="portable-fp32"))
    with Embedder.load(folder) as loaded:
        assert loaded.manifest.drops_padding is (request.param == "authored")
        yield loaded
