"""Measuring a finished artifact against what a user names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from biolord_export.checking import Reference, measure_artifact
from biolord_export.errors import CheckpointError, ExportError
from biolord_export.targets import TARGETS
from biolord_onnx.artifact.folder import open_artifact
from tiny.checkpoint import write_checkpoint
from tiny.weights import Sizes
from unit.export.fixtures import Exported
from unit.export.hub import COMMIT, ID, cached
from unit.export.places import Place
from unit.runtime.tiny_artifact import write_tiny_artifact

Exports = Callable[[str, str], Exported]
TEXTS = {"names": tuple(f"fracture of bone {number}" for number in range(30))}


def test_the_checkpoint_it_was_made_from(exported: Exports, tiny_mpnet: Path) -> None:
    """The float32 graph is written anew from it, and held against the gate of the artifact's target."""
    report = measure_artifact(exported("mpnet", "cpu-int8").artifact, Reference(str(tiny_mpnet)), TEXTS)
    assert report.reference == "float32 graph written from the same checkpoint (tiny-mpnet)"
    assert report.gate == TARGETS["cpu-int8"].gate
    assert report.passed
    assert report.groups[0].texts == 30


def test_a_float32_artifact_is_the_checkpoint(exported: Exports, tiny_bert: Path) -> None:
    """Writing the graph twice gives the same vectors."""
    report = measure_artifact(exported("bert", "cpu-fp32").artifact, Reference(str(tiny_bert)), TEXTS)
    assert report.groups[0].cosine_min == pytest.approx(1, abs=1e-6)


def test_an_artifact_as_reference(exported: Exports) -> None:
    """Two artifacts are compared without any checkpoint."""
    exact = exported("mpnet", "cpu-fp32")
    report = measure_artifact(exported("mpnet", "cpu-int8").artifact, Reference(str(exact.path)), TEXTS)
    assert report.reference == "artifact tiny-mpnet-cpu-fp32"
    assert report.passed


def test_another_model_is_below_the_gate(exported: Exports, tiny_bert: Path) -> None:
    """Vectors of the same length from another checkpoint are not taken for its own."""
    report = measure_artifact(exported("mpnet", "cpu-int8").artifact, Reference(str(tiny_bert)), TEXTS)
    assert not report.passed
    assert report.groups[0].cosine_mean < 0.9


def test_pooling_and_length_are_the_artifacts_own(place: Place, tiny_mpnet: Path) -> None:
    """What is measured is the number format, not the options that the artifact was exported with."""
    options = ("--target", "cpu-fp32", "--pooling", "cls", "--max-length", 7)
    assert place.export(tiny_mpnet, *options).code == 0
    report = measure_artifact(open_artifact(place.out), Reference(str(tiny_mpnet)), TEXTS)
    assert report.groups[0].cosine_min == pytest.approx(1, abs=1e-6)


def test_vectors_of_another_length_are_refused(exported: Exports, tmp_path: Path) -> None:
    """Both lengths are named, for a checkpoint and for an artifact."""
    smaller = write_checkpoint(tmp_path / "smaller", sizes=Sizes(hidden=32, inner=64))
    artifact = exported("mpnet", "cpu-fp32").artifact
    for reference, dim in ((smaller, 32), (write_tiny_artifact(tmp_path / "tiny"), 8)):
        with pytest.raises(ExportError, match=rf"yields {dim} numbers a text, .* 64: name the checkpoint"):
            measure_artifact(artifact, Reference(str(reference)), TEXTS)


def test_a_reference_of_the_hubs_cache(exported: Exports, tiny_mpnet: Path, tmp_path: Path) -> None:
    """Its id is part of the report."""
    snapshot = cached(tiny_mpnet, tmp_path)
    report = measure_artifact(exported("mpnet", "cpu-fp32").artifact, Reference(str(snapshot)), TEXTS)
    assert report.reference.endswith(f"({ID})")
    assert COMMIT in str(snapshot)


@pytest.mark.parametrize("reference", ["checkpoint", "artifact"])
def test_a_folder_has_no_revision(exported: Exports, tiny_mpnet: Path, reference: str) -> None:
    """A revision that would change nothing is refused."""
    exact = exported("mpnet", "cpu-fp32")
    folder = tiny_mpnet if reference == "checkpoint" else exact.path
    with pytest.raises(CheckpointError, match="is a folder, which has no revision 'v2'"):
        measure_artifact(exact.artifact, Reference(str(folder), "v2"), TEXTS)
