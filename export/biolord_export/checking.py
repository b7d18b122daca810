"""Measure a finished artifact against any reference a user names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_export.checkpoint.source import Checkpoint, open_checkpoint
from biolord_export.errors import CheckpointError, ExportError
from biolord_export.pipeline import REFERENCE, write_reference
from biolord_export.scratch import scratch_folder
from biolord_export.targets import find_target
from biolord_export.verification.measure import measure_fidelity, unit_vectors
from biolord_export.verification.pairs import compare_pairs
from biolord_export.verification.torch_reference import TorchReference
from biolord_export.vocabulary.pruning import load_weights
from biolord_onnx.artifact.manifest import MANIFEST_NAME
from biolord_onnx.embedder import Embedder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from biolord_export.verification.fidelity import FidelityReport
    from biolord_export.verification.measure import UnitVectors
    from biolord_export.verification.pairs import LabeledPairs
    from biolord_onnx.artifact.folder import Artifact


@dataclass(frozen=True)
class Reference:
    """What to measure against.

    Attributes:
        model: An artifact folder, a checkpoint folder or a hub id.
        revision: The revision of a hub id.
        engine: What runs a checkpoint: ``graph``, our own float32 graph of it, or ``torch``.
    """

    model: str
    revision: str | None = None
    engine: str = "graph"


def measure_artifact(
    artifact: Artifact,
    reference: Reference,
    texts: Mapping[str, Sequence[str]],
    pairs: LabeledPairs | None = None,
) -> FidelityReport:
    """Measure an artifact against a checkpoint or another artifact.

    Args:
        artifact: What to measure.
        reference: Against what.
        texts: Texts by kind.
        pairs: Pairs to rank with both.

    Raises:
        BiolordError: The reference can't be read, or yields vectors of another length.
    """
    with _open_reference(artifact, reference) as exact, Embedder.load(artifact.path) as embedder:
        if exact.dim != embedder.dim:
            raise ExportError(
                f"{reference.model} yields {exact.dim} numbers a text, {artifact.path} {embedder.dim}: "
                "name the checkpoint that the artifact was made from"
            )
        found = unit_vectors(embedder)
        gate = find_target(artifact.manifest.target).gate
        report = measure_fidelity(found, exact.encode, texts, gate, exact.name)
        return replace(report, pairs=compare_pairs(pairs, found, exact.encode)) if pairs else report


@dataclass(frozen=True, slots=True)
class _Exact:
    """A reference that is loaded."""

    name: str
    dim: int
    encode: UnitVectors


@contextmanager
def _open_reference(artifact: Artifact, reference: Reference) -> Iterator[_Exact]:
    if (Path(reference.model) / MANIFEST_NAME).is_file():
        refuse_checkpoint_options(reference)
        with Embedder.load(reference.model) as embedder:
            yield _Exact(f"artifact {embedder.manifest.name}", embedder.dim, unit_vectors(embedder))
        return
    # The artifact's own length, width and pooling: what is measured is the number format.
    manifest = artifact.manifest
    checkpoint = open_checkpoint(
        reference.model,
        revision=reference.revision,
        pooling=manifest.pooling,
        max_length=manifest.max_length.value,
        truncate_dim=manifest.dim if manifest.whole_dim else None,
        pairs=manifest.pairs is not None and manifest.pairs.token_types,
    )
    with _ENGINES[reference.engine](checkpoint) as exact:
        yield exact


def refuse_checkpoint_options(reference: Reference) -> None:
    """Refuse what only checkpoints have.

    Raises:
        CheckpointError: A revision or an engine is asked for.
    """
    if reference.revision is not None:
        raise CheckpointError(
            f"{reference.model} is a folder, which has no revision {reference.revision!r}: leave --revision out"
        )
    if reference.engine != Reference.engine:
        raise CheckpointError(
            f"{reference.model} is an artifact, which {reference.engine} can't run: name a checkpoint, "
            "or leave --engine out"
        )


@contextmanager
def _run_graph(checkpoint: Checkpoint) -> Iterator[_Exact]:
    weights = load_weights(checkpoint)
    with scratch_folder("reference") as folder:
        write_reference(folder, checkpoint, weights)
        del weights
        with Embedder.load(folder, verify_hashes=False) as embedder:
            yield _Exact(f"{REFERENCE} ({_name(checkpoint)})", embedder.dim, unit_vectors(embedder))


@contextmanager
def _run_torch(checkpoint: Checkpoint) -> Iterator[_Exact]:
    model = TorchReference.load(checkpoint)
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    yield _Exact(f"float32 by {versions} ({_name(checkpoint)})", model.dim, model.unit_vectors)


def _name(checkpoint: Checkpoint) -> str:
    """Name a checkpoint, and how it is pooled where that isn't its own way."""
    overruled = checkpoint.pooling.mode != checkpoint.own_pooling
    pooled = f", pooled by {checkpoint.pooling.mode} like the artifact, not by {checkpoint.own_pooling}"
    return checkpoint.place.id + (pooled if overruled else "")


_ENGINES: Mapping[str, Callable[[Checkpoint], AbstractContextManager[_Exact]]] = {
    Reference.engine: _run_graph,
    "torch": _run_torch,
}
ENGINES = tuple(_ENGINES)
