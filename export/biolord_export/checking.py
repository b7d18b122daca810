"""Measure a finished artefact against any reference a user names."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_export.architectures import read_weights
from biolord_export.errors import CheckpointError, ExportError
from biolord_export.pipeline import REFERENCE, write_reference
from biolord_export.source import open_checkpoint
from biolord_export.targets import find_target
from biolord_export.verify import measure_fidelity
from biolord_onnx.embedder import Embedder
from biolord_onnx.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from biolord_export.fidelity import FidelityReport
    from biolord_onnx.artifact import Artifact


def measure_artifact(
    artifact: Artifact, reference: str, revision: str | None, texts: Mapping[str, Sequence[str]]
) -> FidelityReport:
    """Measure an artefact against a checkpoint or another artefact.

    Args:
        artifact: What to measure.
        reference: An artefact folder, a checkpoint folder or a hub id.
        revision: The revision of a hub id.
        texts: Texts by kind.

    Raises:
        BiolordError: The reference can't be read, or yields vectors of another length.
    """
    with (
        _open_reference(artifact, reference, revision) as (exact, name),
        Embedder.load(artifact.path) as found,
    ):
        if exact.dim != found.dim:
            raise ExportError(
                f"{reference} yields {exact.dim} numbers a text, {artifact.path} {found.dim}: "
                "name the checkpoint that the artefact was made from"
            )
        return measure_fidelity(found, exact, texts, find_target(artifact.manifest.target).gate, name)


@contextmanager
def _open_reference(artifact: Artifact, reference: str, revision: str | None) -> Iterator[tuple[Embedder, str]]:
    if (Path(reference) / MANIFEST_NAME).is_file():
        if revision is not None:
            raise CheckpointError(f"{reference} is a folder, which has no revision {revision!r}: leave --revision out")
        with Embedder.load(reference) as embedder:
            yield embedder, f"artefact {embedder.manifest.name}"
        return
    # The artefact's own length and pooling: what is measured is the number format.
    checkpoint = open_checkpoint(
        reference,
        revision=revision,
        pooling=artifact.manifest.pooling,
        max_length=artifact.manifest.max_length.value,
    )
    weights = read_weights(checkpoint.config, checkpoint.weights)
    with tempfile.TemporaryDirectory(prefix="biolord-reference-") as folder:
        write_reference(Path(folder), checkpoint, weights)
        del weights
        with Embedder.load(folder, verify_hashes=False) as embedder:
            yield embedder, f"{REFERENCE} ({checkpoint.place.id})"
