"""``biolord verify``: check an artefact's files, and its fidelity against a reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_export.errors import FidelityError
from biolord_onnx.cli import output
from biolord_onnx.cli.input import add_dialect, dialect_from
from biolord_onnx.cli.interrupts import terminated_once
from biolord_onnx.errors import InputError
from biolord_onnx.manifest import MANIFEST_NAME
from biolord_onnx.printable import escape

if TYPE_CHECKING:
    import argparse

    from biolord_export.fidelity import FidelityReport
    from biolord_onnx.artifact import Artifact

SUMMARY = "check an artefact's files and measure its fidelity"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("artifact", metavar="ARTEFACT", type=Path, help="the artefact folder")
    parser.add_argument(
        "--reference",
        metavar="MODEL",
        help="checkpoint (folder or hub id) or artefact to measure against; else the manifest's figures are shown",
    )
    parser.add_argument("--revision", help="revision of a reference on the hub")
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        help="measure on these texts, one a line (default: built in); needs --reference",
    )
    parser.add_argument(
        "--pairs",
        type=Path,
        metavar="FILE",
        help="rank pairs labelled by people: .tsv or .csv with the columns score, text1, text2; needs --reference",
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
    """Verify; 0 if the files are whole and the fidelity reaches its gate, 1 if it doesn't."""
    with terminated_once():
        return _verify(args)


def _verify(args: argparse.Namespace) -> int:
    from biolord_onnx.artifact import open_artifact

    needing = {"--texts": args.texts, "--revision": args.revision, "--pairs": args.pairs}
    for option, given in (needing | {"--engine": args.engine != "graph"}).items():
        if given and not args.reference:
            raise InputError(f"{option} needs --reference: name the checkpoint or artefact to compare with")
    for option, given in (("--delimiter", args.delimiter), ("--quoting", args.quoting)):
        if given and not args.pairs:
            raise InputError(f"{option} needs --pairs: name the table of pairs")
    artifact = open_artifact(args.artifact)
    report = _measure(artifact, args) if args.reference else _read(artifact)
    if args.json:
        fidelity = report.to_json() if report else None
        about = {"artefact": artifact.manifest.name, "files": "whole", "notes": artifact.manifest.notes}
        output.say(json.dumps({**about, "fidelity": fidelity}, indent=2, ensure_ascii=False))
    else:
        _print(artifact, report)
    return 0 if report is None or report.passed else FidelityError.exit_code


def _print(artifact: Artifact, report: FidelityReport | None) -> None:
    from biolord_export.cli.tables import fidelity_table

    output.say(f"{artifact.path}: {artifact.manifest.name}, all {len(artifact.manifest.files)} files are whole")
    for note in artifact.manifest.notes:
        output.say(f"note: {escape(note)}")
    output.say(fidelity_table(report) if report else "fidelity: not measured; compare it with --reference MODEL")


def _read(artifact: Artifact) -> FidelityReport | None:
    from biolord_export.fidelity import FidelityReport

    members = artifact.manifest.fidelity
    return None if members is None else FidelityReport.from_json(members, f"{artifact.path / MANIFEST_NAME}: fidelity")


def _measure(artifact: Artifact, args: argparse.Namespace) -> FidelityReport:
    from biolord_export.cli.requirements import require_export_extra

    require_export_extra("verify --reference")
    from biolord_export.checking import Reference, measure_artifact
    from biolord_export.corpus import builtin_verification, read_lines
    from biolord_export.pairs import read_pairs

    texts = {"texts": tuple(read_lines(args.texts))} if args.texts else builtin_verification()
    if not all(texts.values()):
        raise InputError(f"{args.texts} has no text: give one text a line")
    pairs = read_pairs(args.pairs, dialect_from(args)) if args.pairs else None
    return measure_artifact(artifact, Reference(args.reference, args.revision, args.engine), texts, pairs)
