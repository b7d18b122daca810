"""``biolord verify``: check an artifact's files, and its fidelity against a reference."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_export.errors import FidelityError
from biolord_onnx.artifact.manifest import MANIFEST_NAME
from biolord_onnx.cli import output
from biolord_onnx.cli.input import add_dialect, dialect_from
from biolord_onnx.cli.interrupts import terminated_once
from biolord_onnx.errors import InputError
from biolord_onnx.printable import escape
from biolord_onnx.session.kernel_kinds import find_kinds

if TYPE_CHECKING:
    import argparse

    from biolord_export.reranking.fidelity import RankingReport
    from biolord_export.verification.fidelity import FidelityReport
    from biolord_onnx.artifact.folder import Artifact
    from biolord_onnx.artifact.json_fields import JSONObject
    from biolord_onnx.golden import GoldenCheck

    Report = FidelityReport | RankingReport

SUMMARY = "check an artifact's files and measure its fidelity"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("artifact", metavar="ARTIFACT", type=Path, help="the artifact folder")
    parser.add_argument(
        "--reference",
        metavar="MODEL",
        help="checkpoint (folder or hub id) or artifact to measure against; else the manifest's figures are shown",
    )
    parser.add_argument("--revision", help="revision of a reference on the hub")
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        help="measure on these texts, one per line (default: built in); needs --reference; of a reranker, some are "
        "queries and those spelled most like them their candidates",
    )
    parser.add_argument(
        "--pairs",
        type=Path,
        metavar="FILE",
        help="rank pairs labeled by people: .tsv or .csv with the columns score, text1, text2; needs --reference",
    )
    add_dialect(parser)
    parser.add_argument(
        "--engine",
        choices=("graph", "torch"),
        default="graph",
        help="what runs a reference checkpoint: our own float32 graph of it (default), or torch (the optimum extra)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Verify; 1 if the fidelity is below its gate, or this machine's vectors have other bits than the export's."""
    with terminated_once():
        return _verify(args)


def _verify(args: argparse.Namespace) -> int:
    from biolord_onnx.artifact.folder import open_artifact
    from biolord_onnx.golden import check_golden

    needing = {"--texts": args.texts, "--revision": args.revision, "--pairs": args.pairs}
    for option, given in (needing | {"--engine": args.engine != "graph"}).items():
        if given and not args.reference:
            raise InputError(f"{option} needs --reference: name the checkpoint or artifact to compare with")
    for option, given in (("--delimiter", args.delimiter), ("--quoting", args.quoting)):
        if given and not args.pairs:
            raise InputError(f"{option} needs --pairs: name the table of pairs")
    artifact = open_artifact(args.artifact)
    report = _measure(artifact, args) if args.reference else _read(artifact)
    golden = check_golden(artifact)
    if args.json:
        output.say(json.dumps(_to_json(artifact, report, golden), indent=2, ensure_ascii=False))
    else:
        _print(artifact, report, golden)
    passed = (report is None or report.passed) and (golden is None or golden.same)
    return 0 if passed else FidelityError.exit_code


def _to_json(artifact: Artifact, report: Report | None, golden: GoldenCheck | None) -> JSONObject:
    return {
        "artifact": artifact.manifest.name,
        "files": "whole",
        "notes": list(artifact.manifest.notes),
        "golden": asdict(golden) | {"same": golden.same, "kernels": find_kinds().chosen} if golden else None,
        "fidelity": report.to_json() if report else None,
    }


def _print(artifact: Artifact, report: Report | None, golden: GoldenCheck | None) -> None:
    from biolord_export.cli.tables import report_table

    output.say(f"{artifact.path}: {artifact.manifest.name}, all {len(artifact.manifest.files)} files are whole")
    for note in artifact.manifest.notes:
        output.say(f"note: {escape(note)}")
    if golden:
        output.say(_describe_golden(golden))
    output.say(report_table(report) if report else "fidelity: not measured; compare it with --reference MODEL")


def _describe_golden(golden: GoldenCheck) -> str:
    here = f"{golden.texts} golden texts on this machine ({find_kinds().chosen} kernels)"
    if golden.same:
        return f"bits: {here} give the vectors of the export, SHA-256 {golden.found}"
    return (
        f"bits: OTHER VECTORS: {here} have SHA-256 {golden.found}, the manifest says {golden.expected}: "
        "report it, with what biolord info says of this machine"
    )


def _read(artifact: Artifact) -> Report | None:
    from biolord_export.reranking.fidelity import RankingReport
    from biolord_export.verification.fidelity import FidelityReport

    members = artifact.manifest.fidelity
    kind = FidelityReport if artifact.manifest.reranking is None else RankingReport
    return None if members is None else kind.from_json(members, f"{artifact.path / MANIFEST_NAME}: fidelity")


def _measure(artifact: Artifact, args: argparse.Namespace) -> Report:
    from biolord_export.cli.requirements import require_export_extra

    require_export_extra("verify --reference")
    from biolord_export.checking import Reference, measure_artifact
    from biolord_export.corpus import builtin_verification, read_lines
    from biolord_export.reranking.checking import measure_reranker
    from biolord_export.verification.pairs import read_pairs

    texts = {"texts": tuple(read_lines(args.texts))} if args.texts else builtin_verification()
    if not all(texts.values()):
        raise InputError(f"{args.texts} has no text: give one text a line")
    reference = Reference(args.reference, args.revision, args.engine)
    if artifact.manifest.reranking is not None:
        if args.pairs:
            raise InputError("--pairs ranks by cosine, which a reranker has none of: leave it out")
        return measure_reranker(artifact, reference, texts)
    pairs = read_pairs(args.pairs, dialect_from(args)) if args.pairs else None
    return measure_artifact(artifact, reference, texts, pairs)
