"""``biolord models``: the checkpoints this was made for, other families, and what was verified of each."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

from biolord_export.checkpoint.families import FAMILIES
from biolord_export.checkpoint.family import FAMILY
from biolord_onnx.cli import output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from biolord_export.checkpoint.families import Family
    from biolord_export.checkpoint.family import FamilyModel

SUMMARY = "list the BioLORD checkpoints and other families, and what was verified of each"
WIDTH = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print what is known; nothing is fetched."""
    if args.json:
        members = {
            "biolord": [asdict(model) for model in FAMILY],
            "families": [asdict(family) for family in FAMILIES],
        }
        output.say(json.dumps(members, indent=2, ensure_ascii=False))
    else:
        output.say("\n\n".join([*map(_describe, FAMILY), *map(_describe_family, FAMILIES)]))
    return 0


def _describe(model: FamilyModel) -> str:
    revision = f" --revision {model.revision}" if model.revision else ""
    rows = {
        "languages": model.languages,
        "size": f"{model.parameters} M parameters, {model.megabytes} MB in float32",
        "longest text": f"{model.max_length} tokens, says {model.max_length_source}",
        "license": model.license,
        "verified": model.verified,
        "export": f"biolord export {model.id} OUT{revision}",
    }
    return _block(model.id, rows)


def _describe_family(family: Family) -> str:
    rows = {
        "gives": family.gives,
        "model types": " ".join(family.model_types),
        "such as": ", ".join(family.examples),
        "verified": family.verified,
        "not run": family.not_run,
    }
    return _block(family.name, rows)


def _block(title: str, rows: Mapping[str, str]) -> str:
    lines = [title]
    for key, value in rows.items():
        head = f"  {key:<14}"
        lines += textwrap.wrap(
            value, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
        )
    return "\n".join(lines)
