"""Arguments that say which texts are read, and how."""

from __future__ import annotations

import argparse
from dataclasses import replace

from biolord_onnx.cli.output import tell
from biolord_onnx.errors import InputError
from biolord_onnx.io.delimited.dialects import DELIMITERS, find_delimiter
from biolord_onnx.io.formats import FORMATS
from biolord_onnx.io.rows import EMPTY_POLICIES, QUOTINGS, ColumnOptions, Columns, Empty, Layout


def add_input(parser: argparse.ArgumentParser, *, required: bool, format_option: str = "--format") -> None:
    """Add the file with texts.

    Args:
        parser: Of a command.
        required: Whether there must be one.
        format_option: What the option is called that says what the file is, where the usual name means the output.
    """
    group = parser.add_argument_group("what is read")
    group.add_argument(
        "--input",
        metavar="FILE",
        required=required,
        help="texts to read: one per line, or a table (.csv, .tsv, .psv, .rrf, .jsonl, .ndjson, .parquet or a folder "
        "of those) with --column; text may be compressed with gzip; - for standard input",
    )
    group.add_argument(
        "--column", metavar="NAME", help="column of --input that holds the texts; a number from 0 without a header"
    )
    add_layout(group, "--input", format_option)
    group.add_argument(
        "--empty",
        choices=EMPTY_POLICIES,
        help="rows without a text are refused (default), skipped and counted, or embedded and counted",
    )


def add_layout(group: argparse._ActionsContainer, file: str, format_option: str = "--format") -> None:
    """Add how a file is laid out that the command line calls ``file``; `add_input` tells of ``format_option``."""
    group.add_argument(
        format_option,
        dest="format",
        choices=list(FORMATS),
        help=f"what {file} is (default: what its name ends in)",
    )
    add_dialect(group)
    group.add_argument("--no-header", action="store_true", help="the first line of the table is a row; as in .rrf")


def add_dialect(group: argparse._ActionsContainer) -> None:
    """Add how a table's cells are told apart."""
    group.add_argument(
        "--delimiter",
        metavar="SIGN",
        help=f"stands between a table's cells: {', '.join(DELIMITERS)} or the sign itself (default: what the name ends "
        "in says; of a .csv file, its first line)",
    )
    group.add_argument(
        "--quoting",
        choices=QUOTINGS,
        help="csv: quotes enclose cells; none: a quote is a character like others (default: csv with commas and "
        "semicolons, none with tabs and pipes; doubtful cells are refused)",
    )


def dialect_from(args: argparse.Namespace) -> Layout:
    """Return what `add_dialect`'s options say.

    Raises:
        InputError: There is no such delimiter.
    """
    return Layout(None, None if args.delimiter is None else find_delimiter(args.delimiter), args.quoting)


def layout_from(args: argparse.Namespace) -> Layout:
    """Return what `add_layout`'s options say.

    Raises:
        InputError: There is no such delimiter.
    """
    return replace(dialect_from(args), format=args.format, header=False if args.no_header else None)


def columns_from(
    args: argparse.Namespace,
    known_by: str | None = None,
    more: tuple[str, ...] = (),
    options: ColumnOptions | None = None,
    *,
    paired: bool = False,
) -> Columns:
    """Return what is read.

    Args:
        args: Of a command that `add_input` had.
        known_by: The column of ids.
        more: Further columns.
        paired: Whether the first of those holds the second text of each pair.
        options: That name columns, where they aren't the usual ones.

    Raises:
        InputError: There is no such delimiter.
    """
    empty = Empty(args.empty or "refuse")
    return Columns(args.column, known_by, layout_from(args), empty, more, options or ColumnOptions(), paired)


def refuse_without_input(args: argparse.Namespace, *others: str) -> None:
    """Refuse options of reading, a command's own ``others`` too, where nothing is read.

    Raises:
        InputError: One is given.
    """
    for option in ("column", "id_column", "format", "delimiter", "quoting", "no_header", "empty", *others):
        if getattr(args, option) not in {None, False}:
            raise InputError(f"--{option.replace('_', '-')} is given without --input: name the file, too")


def tell_empty(columns: Columns, source: str) -> None:
    """Say on stderr how many empty rows a reading met."""
    empty = columns.empty
    if empty.count:
        rows, were = ("row", "was") if empty.count == 1 else ("rows", "were")
        done = "skipped" if empty.policy == "skip" else "embedded all the same"
        tell(f"{source}: {empty.count} empty {rows} {were} {done}")
