"""From a cross-encoder's checkpoint to a verified artifact that reranks."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from biolord_export.calibration.token_ids import pair_ids
from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.heads import with_head
from biolord_export.corpus import builtin_verification, golden_texts
from biolord_export.errors import CheckpointError
from biolord_export.pipeline import (
    CPU_PROXY,
    REFERENCE,
    REFERENCE_TARGET,
    Purpose,
    convert,
    measurable,
    with_bits,
)
from biolord_export.reranking.gates import find_ranking_gate
from biolord_export.reranking.measure import measure_ranking, measure_score_invariance, scores_of
from biolord_export.reranking.queries import calibration_pairs, make_queries
from biolord_export.scratch import beside
from biolord_onnx.golden import make_golden_scores
from biolord_onnx.reranker import Reranker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from biolord_export.checkpoint.source import Checkpoint
    from biolord_export.checkpoint.weights import EncoderWeights
    from biolord_export.pipeline import Exported, ExportOptions
    from biolord_export.reranking.fidelity import RankingReport
    from biolord_onnx.artifact.manifest import Manifest
    from biolord_onnx.artifact.reranking import Reranking


def frame_of(checkpoint: Checkpoint) -> Reranking:
    """Return how a cross-encoder scores pairs.

    Raises:
        CheckpointError: The checkpoint is none.
    """
    if checkpoint.reranking is None:
        raise CheckpointError(
            f"{checkpoint.place.id} embeds texts and scores no pairs: name the checkpoint of a cross-encoder"
        )
    return checkpoint.reranking


def read_cross_weights(checkpoint: Checkpoint) -> EncoderWeights:
    """Read a cross-encoder's weights, its classifier and token types included.

    Raises:
        CheckpointError: The file doesn't hold what config.json promises.
    """
    weights = read_weights(checkpoint.config, checkpoint.weights)
    types = frame_of(checkpoint).token_types
    return with_head(weights, checkpoint.config, checkpoint.weights, token_types=types)


def export_reranker(
    checkpoint: Checkpoint, out: Path, options: ExportOptions, say: Callable[[str], None] = lambda _: None
) -> Exported:
    """Convert a cross-encoder, measure the result and write it; arguments and errors are those of `export_artifact`.

    Raises:
        BiolordError: As of `export_artifact`, or the target has no rerankers.
    """
    find_ranking_gate(options.target.name)
    purpose = Purpose(
        read_cross_weights,
        ("pairs", "pairs of texts"),
        lambda checkpoint, texts: pair_ids(checkpoint, frame_of(checkpoint), list(calibration_pairs(texts))),
        lambda checkpoint: pair_ids(checkpoint, frame_of(checkpoint), [("", "")]),
        _verify,
    )
    return convert(checkpoint, out, options, say, purpose)


def _verify(
    draft: Path,
    manifest: Manifest,
    options: ExportOptions,
    write_plain: Callable[..., None],
    say: Callable[[str], None],
) -> tuple[Manifest, RankingReport | None]:
    """Measure a draft and put the figures into its manifest; the float32 graph is the reference of all others."""
    target, queries = options.target, make_queries(builtin_verification())
    with measurable(draft, target, write_plain) as folder, Reranker.load(folder, verify_hashes=False) as found:
        invariance = measure_score_invariance(found, builtin_verification()["names"])
        manifest = with_bits(manifest, invariance, ("score", "pair"), lambda: make_golden_scores(found, golden_texts()))
        if target.name == REFERENCE_TARGET:
            return manifest, None
        say(f"verifying on {sum(map(len, queries.values()))} queries that calibration never saw")
        with _reference(draft, write_plain) as exact:
            report = measure_ranking(
                scores_of(found),
                scores_of(exact),
                queries,
                find_ranking_gate(target.name),
                REFERENCE + (CPU_PROXY if target.cpu_proxy else ""),
            )
    return replace(manifest, fidelity=report.to_json()), report


@contextmanager
def _reference(draft: Path, write_plain: Callable[..., None]) -> Iterator[Reranker]:
    with beside(draft) as folder:
        write_plain(folder)
        with Reranker.load(folder, verify_hashes=False) as exact:
            yield exact
