"""What `biolord link` says about links whose right codes are known."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from biolord_onnx.cli.output import say
from biolord_onnx.errors import InputError

if TYPE_CHECKING:
    from biolord_onnx.link.evaluation.measures import Evaluation


def add_gold(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    group = parser.add_argument_group("how good it is")
    group.add_argument(
        "--gold",
        metavar="COL",
        help="column of --input with the right codes: prints Hit@1, 5, 10 and 20, MRR@10, coverage, and what precision "
        "other values of --min-score would give",
    )
    group.add_argument(
        "--gold-separator", metavar="SIGN", help="stands between several right codes of a term, such as |"
    )
    group.add_argument("--json", action="store_true", help="print these figures as JSON")
    group.add_argument("--html", type=Path, metavar="FILE", help="write these figures as a page, too")


def refuse_without_gold(args: argparse.Namespace) -> None:
    """Refuse options that say what to do with figures where there are none.

    Raises:
        InputError: One is given, or nothing is to stand between codes.
    """
    for option in ("gold_separator", "json", "html"):
        if args.gold is None and getattr(args, option):
            raise InputError(f"--{option.replace('_', '-')} is given without --gold: name the column of codes, too")
    if args.gold_separator == "":
        raise InputError("--gold-separator is empty: leave it out where a cell holds one code")


def show(args: argparse.Namespace, evaluation: Evaluation) -> None:
    """Print the figures, and write them as a page where one is wanted.

    Raises:
        OSError: The page can't be written.
    """
    from biolord_onnx.bulk.places import Places
    from biolord_onnx.link.evaluation.html import render
    from biolord_onnx.link.evaluation.table import lines

    say(json.dumps(evaluation.members(), indent=2) if args.json else "\n".join(lines(evaluation)))
    if args.html is None:
        return

    def write(stream: BinaryIO) -> None:
        stream.write(render(evaluation, f"{args.input} linked to {args.index}").encode())

    Places.beside(str(args.html)).publish(write, force=args.force)
