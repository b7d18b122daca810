"""``biolord export``: convert a checkpoint into an artifact."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_export.cli.requirements import require_export_extra
from biolord_onnx.cli import output
from biolord_onnx.cli.interrupts import terminated_once

if TYPE_CHECKING:
    import argparse

SUMMARY = "convert a checkpoint into an artifact, and measure its fidelity"
DEFAULT_TARGET = "cpu-int8"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "model", metavar="MODEL", help="a checkpoint folder, or a hub id such as FremyCompany/BioLORD-2023"
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="the artifact folder to write")
    parser.add_argument(
        "--target",
        default=DEFAULT_TARGET,
        help="cpu-int8 (default), cpu-int4, cuda-fp16, portable-int8, portable-fp32 or cpu-fp32",
    )
    parser.add_argument("--revision", help="branch, tag, commit or pull request of a hub checkpoint")
    parser.add_argument(
        "--max-length", type=int, metavar="N", help="longest text in tokens (default: the checkpoint's)"
    )
    parser.add_argument(
        "--pooling",
        metavar="MODE",
        help="overrule the checkpoint's own pooling: mean, cls, max, weightedmean, lasttoken or mean_sqrt_len_tokens, "
        "or several joined, such as cls+mean; the vectors are no longer its own (default: the checkpoint's); takes the "
        "encoder of a cross-encoder alone",
    )
    parser.add_argument(
        "--truncate-dim",
        type=int,
        metavar="N",
        help="numbers to keep of a vector, for checkpoints that were trained so (default: the checkpoint's)",
    )
    parser.add_argument(
        "--pairs",
        action="store_true",
        help="also take pairs of texts, such as title and abstract, of an encoder that tells them apart by token types "
        "(BERT's kinds); others take pairs anyway",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="texts to calibrate on, one per line (default: built in)",
    )
    parser.add_argument(
        "--keep-vocabulary",
        type=Path,
        metavar="FILE",
        help="keep only the tokens that the texts of a file need, one per line, beside all single characters",
    )
    parser.add_argument("--force", action="store_true", help="replace an artifact at OUT")
    parser.add_argument(
        "--accept-below-gate",
        action="store_true",
        help="write the artifact even if its fidelity is below its gate",
    )


def run(args: argparse.Namespace) -> int:
    """Export; the report goes to stdout, progress to stderr."""
    with terminated_once():
        return _export(args)


def _export(args: argparse.Namespace) -> int:
    require_export_extra("export")
    from biolord_export.checkpoint.settings.json_files import reading_once

    with reading_once():
        return _convert(args)


def _convert(args: argparse.Namespace) -> int:
    from biolord_export.artifact.writer import check_destination
    from biolord_export.checkpoint.source import open_checkpoint
    from biolord_export.cli.tables import layer_table, report_table, vocabulary_table
    from biolord_export.corpus import Corpus, read_calibration, read_lines
    from biolord_export.errors import ExportError
    from biolord_export.pipeline import ExportOptions, export_artifact
    from biolord_export.reranking.pipeline import export_reranker
    from biolord_export.targets import find_target
    from biolord_export.vocabulary.pruning import keep_vocabulary

    started = time.monotonic()
    target = find_target(args.target)
    check_destination(args.out, force=args.force)
    if args.calibration and not target.calibrated:
        raise ExportError(f"{target.name} takes no calibration: leave --calibration {args.calibration} out")
    calibration = read_calibration(args.calibration) if args.calibration else None
    checkpoint = open_checkpoint(
        args.model,
        revision=args.revision,
        pooling=args.pooling,
        max_length=args.max_length,
        truncate_dim=args.truncate_dim,
        pairs=args.pairs,
    )
    if args.keep_vocabulary:
        texts = Corpus(tuple(read_lines(args.keep_vocabulary)), args.keep_vocabulary.name)
        checkpoint = keep_vocabulary(checkpoint, texts)
    for note in checkpoint.notes:
        say(note)
    options = ExportOptions(target, calibration, args.force, args.accept_below_gate)
    export = export_reranker if checkpoint.reranking else export_artifact
    exported = export(checkpoint, args.out, options, say)
    if exported.layers:
        output.say(f"{layer_table(exported.layers)}\n")
    if exported.fidelity:
        output.say(f"{report_table(exported.fidelity)}\n")
    if checkpoint.vocabulary:
        output.say(f"{vocabulary_table(exported.manifest.quantization)}\n")
    size = sum(entry.size for entry in exported.manifest.files) / 1e6
    output.say(f"{args.out}: {exported.manifest.name}, {size:.1f} MB, made in {time.monotonic() - started:.0f} s")
    say(exported.manifest.license)
    return 0


def say(step: str) -> None:
    """Tell on stderr what is being done."""
    output.tell(step)
