"""What the commands share that read a file of any length and write one: `embed` and `link`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from biolord_onnx.bulk.formats import STDOUT
from biolord_onnx.bulk.source import Source, is_lasting, of_file, spooled
from biolord_onnx.cli.arguments import MOST_WORKERS, whole_number
from biolord_onnx.cli.input import tell_empty
from biolord_onnx.cli.output import tell
from biolord_onnx.io.rows import Columns


def add_output(parser: argparse.ArgumentParser, forms: str) -> None:
    """Add where the output goes, and what is there already; ``forms`` lists its endings."""
    parser.add_argument(
        "--output",
        metavar="FILE",
        default=STDOUT,
        help=f"file to write: {forms} standard output. If the run is interrupted, the same command goes on where it "
        "stopped",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing output file")
    parser.add_argument("--restart", action="store_true", help="forget an interrupted run of the same output")


def add_workers(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the number of processes; ``what`` says what they do."""
    parser.add_argument(
        "--workers",
        type=whole_number(1, MOST_WORKERS),
        default=1,
        metavar="N",
        help=f"processes that {what} (default: %(default)s)",
    )


@contextmanager
def file_source(args: argparse.Namespace, columns: Columns) -> Iterator[Source]:
    """Read the rows of ``--input``, which are kept beside the output where they can't be read twice."""
    folder = None if args.output == STDOUT else Path(args.output).parent
    lasting = is_lasting(args.input)
    with nullcontext(of_file(args.input, columns)) if lasting else spooled(args.input, folder, columns) as source:
        tell_empty(columns, source.name)
        yield source


def tell_truncated(cut: int, count: int, limit: int, what: str) -> None:
    """Say how many of the texts or terms were cut, if any."""
    if cut:
        tell(f"{cut} of {count} {what} have more than {limit} tokens and were cut")
