"""The runtime's fixtures, for this folder, and artifacts whose vectors must not depend on company."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.pipeline import ExportOptions, export_artifact
from biolord_export.targets import TARGETS
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


@pytest.fixture(scope="session", params=["untyped", "typed"])
def paired(
    request: pytest.FixtureRequest,
    exported: Callable[[str, str], Exported],
    tiny_bert: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Embedder]:
    """An embedder that takes pairs of texts, and one whose graph is told which text a token belongs to."""
    if request.param == "untyped":
        folder = exported("mpnet", "cpu-int8").path
    else:
        folder = tmp_path_factory.mktemp("pairs") / "artifact"
        export_artifact(open_checkpoint(str(tiny_bert), pairs=True), folder, ExportOptions(TARGETS["cpu-fp32"]))
    with Embedder.load(folder) as loaded:
        assert loaded.manifest.pairs is not None
        assert loaded.manifest.pairs.token_types is (request.param == "typed")
        yield loaded
