"""From a checkpoint to a verified artifact."""

from __future__ import annotations

import datetime as dt
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.artifact.naming import plain_name
from biolord_export.artifact.notice import license_notice
from biolord_export.artifact.writer import add_file, check_destination, publish, write_draft, write_manifest
from biolord_export.calibration.collect import collect_statistics
from biolord_export.calibration.ranges import measure_ranges
from biolord_export.calibration.token_ids import pair_ids, text_ids
from biolord_export.corpus import (
    Corpus,
    builtin_calibration,
    builtin_verification,
    golden_texts,
    neighboring_pairs,
    verification_inputs,
)
from biolord_export.errors import CheckpointError, FidelityError
from biolord_export.roads.authored import FLOAT32_ROAD, FloatRoad
from biolord_export.roads.road import Loaded
from biolord_export.scratch import beside
from biolord_export.targets import TARGETS
from biolord_export.verification.fidelity import OVERFLOW
from biolord_export.verification.measure import measure_fidelity, measure_invariance, unit_vectors
from biolord_export.vocabulary.measure import measure_vocabulary
from biolord_export.vocabulary.pruning import load_weights
from biolord_onnx import __version__
from biolord_onnx.artifact.manifest import BatchInvariance, Manifest, Requirements, Source
from biolord_onnx.artifact.ranges import RANGES_NAME, ranges_to_json
from biolord_onnx.embedder import Embedder
from biolord_onnx.golden import make_golden
from biolord_onnx.session import kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from biolord_export.calibration.collect import InputStatistics
    from biolord_export.checkpoint.source import Checkpoint
    from biolord_export.checkpoint.weights import EncoderWeights
    from biolord_export.quantize.report import LinearReport
    from biolord_export.reranking.fidelity import RankingReport
    from biolord_export.targets import Target
    from biolord_export.verification.fidelity import FidelityReport
    from biolord_onnx.artifact.json_fields import JSONObject
    from biolord_onnx.artifact.manifest import Golden

REFERENCE_TARGET = "cpu-fp32"
REFERENCE = "float32 graph written from the same checkpoint"
CPU_PROXY = "; measured on a CPU proxy with the same float16 constants that computes in float32, not on a GPU"
EMPTY = ""
TOOLS = ("onnx", "onnxruntime", "numpy", "tokenizers", "safetensors")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to export and how.

    Attributes:
        target: The number format.
        calibration: Texts that fix the scales; None takes the built-in ones.
        force: Whether an artifact at the destination may be replaced.
        accept_below_gate: Whether to write an artifact whose fidelity is below its gate, marked so.
    """

    target: Target
    calibration: Corpus | None = None
    force: bool = False
    accept_below_gate: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export made.

    Attributes:
        manifest: The manifest written.
        fidelity: What was measured; None for the float32 target, which is the reference itself.
        layers: What quantizing did to each linear layer.
    """

    manifest: Manifest
    fidelity: FidelityReport | RankingReport | None
    layers: tuple[LinearReport, ...]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Statistics of activations, and the record of what they were measured on."""

    statistics: Mapping[tuple[int, str], InputStatistics]
    record: JSONObject


@dataclass(frozen=True, slots=True)
class Purpose:
    """What an export does otherwise for encoders of texts than for cross-encoders.

    Attributes:
        load: Reads the weights.
        counted: What is calibrated on: its name in the record, and in words.
        token_ids: Makes of texts what is run to calibrate, int64 [tokens] or [2, tokens] each.
        empty_ids: The same of a text without content, whose state no other text has: calibration sees it apart.
        verify: Measures a draft and puts the figures into its manifest.
    """

    load: Callable[[Checkpoint], EncoderWeights]
    counted: tuple[str, str]
    token_ids: Callable[[Checkpoint, Sequence[str]], list[NDArray[np.int64]]]
    empty_ids: Callable[[Checkpoint], list[NDArray[np.int64]]]
    verify: Callable[..., tuple[Manifest, FidelityReport | RankingReport | None]]


def export_artifact(
    checkpoint: Checkpoint, out: Path, options: ExportOptions, say: Callable[[str], None] = lambda _: None
) -> Exported:
    """Convert a checkpoint, measure the result and write it.

    Args:
        checkpoint: What to convert.
        out: The artifact folder to write.
        options: How.
        say: Told at the beginning of each step, in a few words.

    Raises:
        BiolordError: The destination is refused, the checkpoint is damaged, or (FidelityError) the result is below
            its gate; nothing is written then.
    """
    purpose = Purpose(
        load_weights, ("texts", "texts"), _token_ids, lambda checkpoint: text_ids(checkpoint, (EMPTY,)), _verify
    )
    return convert(checkpoint, out, options, say, purpose)


def convert(
    checkpoint: Checkpoint, out: Path, options: ExportOptions, say: Callable[[str], None], purpose: Purpose
) -> Exported:
    """Convert a checkpoint for a purpose; the rest is as of `export_artifact`."""
    check_destination(out, force=options.force)
    target = options.target
    target.road.check(checkpoint, target.name)
    say("reading weights")
    weights = purpose.load(checkpoint)
    calibrated = _calibrate(checkpoint, weights, options, say, purpose)
    say(f"writing the {target.name} graph")
    written = target.road.write(Loaded(checkpoint, weights, calibrated.statistics))
    layers = written.reports
    manifest = describe(checkpoint, target, weights, layers, calibrated.record)
    with beside(out) as draft:
        manifest = write_draft(draft, written.graph, checkpoint.tokenizer_json, manifest)
        del calibrated, written, weights  # read again where they are needed: memory is scarcer than time
        write_plain = partial(_read_and_write_reference, checkpoint=checkpoint, load=purpose.load)
        manifest, report = purpose.verify(draft, manifest, options, write_plain, say)
        if report and report.shortfalls and not options.accept_below_gate:
            raise FidelityError(
                f"{out} was not written, its fidelity is below the gate of {target.name}: "
                f"{'; '.join(report.shortfalls)} (--accept-below-gate writes it anyway, marked so)"
            )
        if checkpoint.vocabulary:
            say("comparing with the whole vocabulary")
            measured = measure_vocabulary(draft, checkpoint, write_reference)
            manifest = replace(manifest, quantization={**manifest.quantization, "vocabulary": measured})
        write_manifest(draft, manifest)
        check_destination(out, force=options.force)  # minutes have passed, and something may have appeared there
        publish(draft, out)
    return Exported(manifest, report, layers)


def _calibrate(
    checkpoint: Checkpoint,
    weights: EncoderWeights,
    options: ExportOptions,
    say: Callable[[str], None],
    purpose: Purpose,
) -> Calibrated:
    if not options.target.calibrated:
        return Calibrated({}, {})
    corpus = options.calibration or builtin_calibration()
    name, words = purpose.counted
    say(f"calibrating on {len(corpus.texts)} {words} ({corpus.origin})")
    ids = purpose.token_ids(checkpoint, corpus.texts)
    record: JSONObject = {
        "origin": corpus.origin,
        name: len(ids),
        "tokens": int(sum(row.shape[-1] for row in ids)),
        "sha256": corpus.sha256(),
    }
    with np.errstate(over="ignore", invalid="ignore"):  # looked at below
        statistics = collect_statistics(weights, ids, purpose.empty_ids(checkpoint))
    _check_finite(statistics)
    return Calibrated(statistics, {"calibration": record})


def _token_ids(checkpoint: Checkpoint, texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """Texts, and where an encoder tells their types apart, pairs of them, too."""
    ids = text_ids(checkpoint, texts)
    if checkpoint.pairs and checkpoint.pairs.token_types:
        ids += pair_ids(checkpoint, checkpoint.pairs, neighboring_pairs(texts), checkpoint.prompts.choose())
    return ids


def _check_finite(statistics: Mapping[tuple[int, str], InputStatistics]) -> None:
    for (number, name), seen in statistics.items():
        figures = (seen.lowest, seen.highest, seen.covariance, seen.held_out, seen.degenerate)
        if not all(np.isfinite(values).all() for values in figures):
            raise CheckpointError(f"the input of {name} in layer {number} isn't finite: {OVERFLOW}")


def _verify(
    draft: Path,
    manifest: Manifest,
    options: ExportOptions,
    write_plain: Callable[..., None],
    say: Callable[[str], None],
) -> tuple[Manifest, FidelityReport | None]:
    """Measure a draft and put the figures into its manifest; the float32 graph is the reference of all others."""
    target = options.target
    texts = verification_inputs(pairs=manifest.pairs is not None and manifest.pairs.token_types)
    with measurable(draft, target, write_plain) as folder, Embedder.load(folder, verify_hashes=False) as found:
        invariance = measure_invariance(found, builtin_verification()["names"])
        manifest = with_bits(manifest, invariance, ("vector", "text"), lambda: make_golden(found, golden_texts()))
        ranges = measure_ranges(found, (options.calibration or builtin_calibration()).texts)
        manifest = add_file(draft, manifest, RANGES_NAME, ranges_to_json(ranges))
        if target.name == REFERENCE_TARGET:
            return manifest, None
        say(f"verifying on {sum(map(len, texts.values()))} texts that calibration never saw")
        with beside(draft) as exact_folder:
            write_plain(exact_folder)
            with Embedder.load(exact_folder, verify_hashes=False) as exact:
                report = measure_fidelity(
                    unit_vectors(found),
                    unit_vectors(exact),
                    texts,
                    target.gate,
                    REFERENCE + (CPU_PROXY if target.cpu_proxy else ""),
                )
    return replace(manifest, fidelity=report.to_json()), report


def with_bits(
    manifest: Manifest, invariance: BatchInvariance, what: tuple[str, str], golden: Callable[[], Golden]
) -> Manifest:
    """Say how much of a result depends on its batch, and, where nothing may, what its bits are.

    Args:
        manifest: To complete.
        invariance: As measured.
        what: A result, and what it is of, in words.
        golden: Makes the golden vectors or scores.

    Raises:
        FidelityError: It depends on the batch, and the target promises that it doesn't.
    """
    if not manifest.requires.operators:
        return replace(manifest, batch_invariance=invariance)
    if invariance.bound:
        raise FidelityError(
            f"a {what[0]} differs by {invariance.bound} between a {what[1]} alone and among others, {manifest.target} "
            f"promises 0 (kernels: {kernels.chosen()}): report this"
        )
    return replace(manifest, batch_invariance=invariance, golden=golden())


@contextmanager
def measurable(draft: Path, target: Target, write_plain: Callable[..., None]) -> Iterator[Path]:
    """Give the draft, or its CPU proxy where CPUs don't compute in its format."""
    if target.cpu_proxy is None:
        yield draft
        return
    with beside(draft) as folder:
        write_plain(folder, road=target.cpu_proxy)
        yield folder


def _read_and_write_reference(
    folder: Path,
    checkpoint: Checkpoint,
    load: Callable[[Checkpoint], EncoderWeights],
    road: FloatRoad = FLOAT32_ROAD,
) -> None:
    write_reference(folder, checkpoint, load(checkpoint), road)


def write_reference(
    folder: Path, checkpoint: Checkpoint, weights: EncoderWeights, road: FloatRoad = FLOAT32_ROAD
) -> None:
    """Write the float32 artifact of a checkpoint into a folder, its constants as precise as ``road`` says."""
    written = road.write(Loaded(checkpoint, weights, {}))
    manifest = describe(checkpoint, TARGETS[REFERENCE_TARGET], weights, (), {})
    write_draft(folder, written.graph, checkpoint.tokenizer_json, manifest)


def describe(
    checkpoint: Checkpoint,
    target: Target,
    weights: EncoderWeights,
    layers: Sequence[LinearReport],
    record: JSONObject,
) -> Manifest:
    """Describe an artifact before it is measured."""
    place = checkpoint.place
    quantization: JSONObject = {"scheme": target.scheme, **record}
    if layers:
        quantization["layers"] = [asdict(report) for report in layers]
    return Manifest(
        name=f"{plain_name(place.id)}-{target.name}",
        target=target.name,
        architecture=weights.architecture,
        dim=checkpoint.pooling.width(weights.dim),
        max_length=checkpoint.max_length,
        pooling=checkpoint.pooling.mode,
        normalized=checkpoint.pooling.normalized,
        pad_id=weights.pad_id,
        source=Source(place.id, place.revision, checkpoint.weights_sha256()),
        quantization=quantization,
        fidelity=None,
        batch_invariance=BatchInvariance(0.0, "not measured"),
        files=(),
        requires=Requirements(target.onnxruntime, target.cpu_any_of, dict(target.operators)),
        golden=None,
        tools=_tools(),
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        license=license_notice(place.id),
        prompts=checkpoint.prompts,
        truncation_side=checkpoint.truncation_side,
        whole_dim=checkpoint.pooling.whole_width(weights.dim) if checkpoint.pooling.cut else None,
        notes=checkpoint.notes,
        reranking=checkpoint.reranking,
        pairs=checkpoint.pairs,
    )


def _tools() -> dict[str, str]:
    python = ".".join(map(str, sys.version_info[:3]))
    return {"biolord-onnx": __version__, "python": python} | {name: version(name) for name in TOOLS}
