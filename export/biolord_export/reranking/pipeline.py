"""From a cross-encoder's checkpoint to a verified artifact that reranks."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.artifact.writer import check_destination, publish, write_draft, write_manifest
from biolord_export.calibration.collect import collect_statistics
from biolord_export.calibration.token_ids import pair_ids
from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.heads import with_head
from biolord_export.corpus import builtin_calibration, builtin_verification, golden_texts
from biolord_export.errors import CheckpointError, FidelityError
from biolord_export.pipeline import (
    CPU_PROXY,
    REFERENCE,
    REFERENCE_TARGET,
    Calibrated,
    Exported,
    check_finite,
    describe,
    measurable,
    write_reference,
)
from biolord_export.reranking.gates import find_ranking_gate
from biolord_export.reranking.measure import measure_ranking, measure_score_invariance, scores_of
from biolord_export.reranking.queries import calibration_pairs, make_queries
from biolord_export.roads.road import Loaded
from biolord_export.scratch import beside
from biolord_onnx.golden import make_golden_scores
from biolord_onnx.reranker import Reranker
from biolord_onnx.session import kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from biolord_export.checkpoint.source import Checkpoint
    from biolord_export.checkpoint.weights import EncoderWeights
    from biolord_export.pipeline import ExportOptions
    from biolord_export.reranking.fidelity import RankingReport
    from biolord_onnx.artifact.json_fields import JSONObject
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
    check_destination(out, force=options.force)
    target = options.target
    find_ranking_gate(target.name)
    target.road.check(checkpoint, target.name)
    say("reading weights")
    weights = read_cross_weights(checkpoint)
    calibrated = _calibrate(checkpoint, weights, options, say)
    say(f"writing the {target.name} graph")
    written = target.road.write(Loaded(checkpoint, weights, calibrated.statistics))
    layers = written.reports
    manifest = describe(checkpoint, target, weights, layers, calibrated.record)
    with beside(out) as draft:
        manifest = write_draft(draft, written.graph, checkpoint.tokenizer_json, manifest)
        del calibrated, written
        write_plain = partial(write_reference, checkpoint=checkpoint, weights=weights)
        manifest, report = _verify(draft, manifest, options, write_plain, say)
        if report and report.shortfalls and not options.accept_below_gate:
            raise FidelityError(
                f"{out} was not written, its fidelity is below the gate of {target.name}: "
                f"{'; '.join(report.shortfalls)} (--accept-below-gate writes it anyway, marked so)"
            )
        write_manifest(draft, manifest)
        check_destination(out, force=options.force)  # minutes have passed, and something may have appeared there
        publish(draft, out)
    return Exported(manifest, report, layers)


def _calibrate(
    checkpoint: Checkpoint, weights: EncoderWeights, options: ExportOptions, say: Callable[[str], None]
) -> Calibrated:
    if not options.target.calibrated:
        return Calibrated({}, {})
    corpus = options.calibration or builtin_calibration()
    say(f"calibrating on {len(corpus.texts)} pairs of texts ({corpus.origin})")
    frame = frame_of(checkpoint)
    ids = pair_ids(checkpoint, frame, list(calibration_pairs(corpus.texts)))
    record: JSONObject = {
        "origin": corpus.origin,
        "pairs": len(ids),
        "tokens": int(sum(row.shape[-1] for row in ids)),
        "sha256": corpus.sha256(),
    }
    with np.errstate(over="ignore", invalid="ignore"):  # looked at below
        statistics = collect_statistics(weights, ids, pair_ids(checkpoint, frame, [("", "")]))
    check_finite(statistics)
    return Calibrated(statistics, {"calibration": record})


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
        manifest = _measure_bits(found, manifest)
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


def _measure_bits(found: Reranker, manifest: Manifest) -> Manifest:
    """Say how much of a score depends on its batch, and, where nothing may, what its bits are."""
    invariance = measure_score_invariance(found, builtin_verification()["names"])
    if not manifest.requires.operators:
        return replace(manifest, batch_invariance=invariance)
    if invariance.bound:
        raise FidelityError(
            f"a score differs by {invariance.bound} between a pair alone and among others, {manifest.target} "
            f"promises 0 (kernels: {kernels.chosen()}): report this"
        )
    return replace(manifest, batch_invariance=invariance, golden=make_golden_scores(found, golden_texts()))
