"""Measure a finished reranker against any reference a user names."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_export.checking import Reference, refuse_checkpoint_options
from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.errors import ExportError
from biolord_export.pipeline import REFERENCE, write_reference
from biolord_export.reranking.gates import find_ranking_gate
from biolord_export.reranking.measure import measure_ranking, scores_of
from biolord_export.reranking.pipeline import read_cross_weights
from biolord_export.reranking.queries import make_queries
from biolord_export.scratch import scratch_folder
from biolord_onnx.artifact.manifest import MANIFEST_NAME
from biolord_onnx.reranker import Reranker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from biolord_export.reranking.fidelity import RankingReport
    from biolord_onnx.artifact.folder import Artifact


def measure_reranker(artifact: Artifact, reference: Reference, texts: Mapping[str, Sequence[str]]) -> RankingReport:
    """Measure a reranker against a cross-encoder's checkpoint, or another reranker.

    Args:
        artifact: What to measure.
        reference: Against what.
        texts: Of which queries and candidates are made, by kind.

    Raises:
        BiolordError: The reference can't be read, or is no reranker.
    """
    gate = find_ranking_gate(artifact.manifest.target)
    with _open_reference(artifact, reference) as (name, exact), Reranker.load(artifact.path) as found:
        return measure_ranking(scores_of(found), scores_of(exact), make_queries(texts), gate, name)


@contextmanager
def _open_reference(artifact: Artifact, reference: Reference) -> Iterator[tuple[str, Reranker]]:
    if (Path(reference.model) / MANIFEST_NAME).is_file():
        refuse_checkpoint_options(reference)
        with Reranker.load(reference.model) as exact:
            yield f"artifact {exact.manifest.name}", exact
        return
    if reference.engine != Reference.engine:
        raise ExportError(
            f"--engine {reference.engine} runs checkpoints that embed texts, this artifact is a reranker: leave it out"
        )
    length = artifact.manifest.max_length.value  # the artifact's own: what is measured is the number format
    checkpoint = open_checkpoint(reference.model, revision=reference.revision, max_length=length)
    with scratch_folder("reference") as folder:
        write_reference(folder, checkpoint, read_cross_weights(checkpoint))
        with Reranker.load(folder, verify_hashes=False) as exact:
            yield f"{REFERENCE} ({checkpoint.place.id})", exact
