"""Measuring an artifact through the runtime."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biolord_export.errors import CheckpointError
from biolord_export.verification.fidelity import FidelityGate
from biolord_export.verification.measure import SLICE, measure_fidelity, measure_invariance, unit_vectors
from biolord_onnx.embedder import Embedder
from unit.export.fixtures import Exported
from unit.runtime.tiny_artifact import DIM, tiny_manifest, tiny_model, tiny_table, write_manifest, write_tiny_artifact

Exports = Callable[[str, str], Exported]
GATE = FidelityGate(0.99, 0.99, 0.98)
NAMES = [f"fever of {number} days" for number in range(SLICE + 5)]
LONG = "a long text of many words " * 20


def test_an_artifact_is_as_faithful_as_its_vectors(exported: Exports) -> None:
    """The report's figures are those of the vectors that the runtime gives for the same texts."""
    with (
        Embedder.load(exported("mpnet", "cpu-fp32").path) as exact,
        Embedder.load(exported("mpnet", "cpu-int8").path) as found,
    ):
        report = measure_fidelity(
            unit_vectors(found), unit_vectors(exact), {"names": NAMES, "general": NAMES[:3]}, GATE, "the exact one"
        )
        cosines = np.sum(exact.encode(NAMES, normalize=True) * found.encode(NAMES, normalize=True), axis=1)
    names, general = report.groups
    assert (names.kind, names.texts, general.kind, general.texts) == ("names", len(NAMES), "general", 3)
    assert names.cosine_mean == pytest.approx(cosines.mean(), abs=1e-6)
    assert names.cosine_min == pytest.approx(cosines.min(), abs=1e-6)
    assert report.reference == "the exact one"
    assert report.gate == GATE
    assert report.passed


def test_an_artifact_is_perfectly_faithful_to_itself(exported: Exports) -> None:
    """Otherwise the measure would be off."""
    with Embedder.load(exported("bert", "cpu-fp32").path) as embedder:
        (group,) = measure_fidelity(
            unit_vectors(embedder), unit_vectors(embedder), {"names": NAMES[:20]}, GATE, "itself"
        ).groups
    assert group.cosine_min == pytest.approx(1, abs=1e-6)
    assert (group.top1, group.top10) == (1.0, 1.0)


def test_texts_over_the_limit_are_compared_without_a_warning(exported: Exports) -> None:
    """Both sides cut them at the same token; the warning would only puzzle whoever exports."""
    with Embedder.load(exported("mpnet", "cpu-fp32").path) as embedder, warnings.catch_warnings():
        warnings.simplefilter("error")
        report = measure_fidelity(
            unit_vectors(embedder), unit_vectors(embedder), {"passages": [LONG, LONG + "end"]}, GATE, "itself"
        )
    assert report.passed


@pytest.mark.parametrize("target", ["cpu-fp32", "cpu-int8", "cpu-int4"])
def test_invariance_is_what_alone_and_together_differ_by(exported: Exports, target: str) -> None:
    """The bound covers the texts that were measured, and the reason says how many those were."""
    with Embedder.load(exported("mpnet", target).path) as embedder:
        measured = measure_invariance(embedder, [*NAMES[:9], *NAMES[:9]])
        alone = np.stack([embedder.encode(text, normalize=True) for text in NAMES[:9]])
        together = embedder.encode(NAMES[:9], normalize=True)
    assert np.abs(alone - together).max() <= measured.bound <= 1e-6
    assert measured.reason == "measured at export on 9 texts, alone and together"


def test_vectors_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    """A bound of NaN could not even be written down."""
    folder = write_tiny_artifact(tmp_path / "artifact")
    table = tiny_table()
    table[5:] = np.nan
    shutil.rmtree(folder)
    folder.mkdir()
    write_nan_artifact(folder, table)
    with (
        Embedder.load(folder) as embedder,
        pytest.raises(CheckpointError, match="vectors that aren't finite: the checkpoint's weights overflow"),
    ):
        measure_invariance(embedder, ["cat scratch", "fever"])


def write_nan_artifact(folder: Path, table: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    """Write the runtime's tiny artifact with another table of token vectors."""
    other = write_tiny_artifact(folder / "other")
    (folder / "model.onnx").write_bytes(tiny_model(table).SerializeToString())
    (folder / "model.onnx.data").write_bytes(table.tobytes())
    shutil.move(other / "tokenizer.json", folder / "tokenizer.json")
    shutil.rmtree(other)
    write_manifest(folder, tiny_manifest(DIM))
