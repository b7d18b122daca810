"""``biolord link``: the terms of a file to the codes of an index."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.bulk.formats import STDOUT, check_place, real_output, require_pyarrow
from biolord_onnx.bulk.source import Source
from biolord_onnx.cli.arguments import add_artifact_hint, add_session, wants_progress, whole_number
from biolord_onnx.cli.bulk import add_output, add_workers, file_source, tell_truncated
from biolord_onnx.cli.input import add_input, columns_from
from biolord_onnx.cli.interrupts import terminated_once
from biolord_onnx.cli.names.link_gold import add_gold, refuse_without_gold, show
from biolord_onnx.cli.names.link_sheet import add_sheet, kept_columns, read_sheet, refuse_idle
from biolord_onnx.cli.names.reranking import add_reranking, reranking_from
from biolord_onnx.cli.names.where import add_where, where_from
from biolord_onnx.cli.output import tell
from biolord_onnx.cli.overwriting import refuse_overwriting
from biolord_onnx.errors import InputError
from biolord_onnx.io.rows import ColumnOptions
from biolord_onnx.link.formats.choosing import FORMATS, Format, find_form

if TYPE_CHECKING:
    from biolord_onnx.embedder import Embedder
    from biolord_onnx.index.index import Index
    from biolord_onnx.link.jury import Jury
    from biolord_onnx.link.plan import Plan
    from biolord_onnx.loading import LoadOptions

SUMMARY = "find the codes that the terms of a file stand for"
MOST_TOP = 1000
_STREAM_FORMAT = "jsonl"
_OPTIONS = ColumnOptions(more="--keep, --frequency or --gold", format="--input-format")


@dataclass(frozen=True, slots=True)
class _Opened:
    """An index, its artifact, and how other processes load that."""

    index: Index
    embedder: Embedder
    session: LoadOptions


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("index", metavar="INDEX", type=Path, help="folder that biolord index wrote")
    add_artifact_hint(parser)
    add_input(parser, required=True, format_option="--input-format")
    parser.add_argument("--id-column", metavar="NAME", help="column of --input that terms are known by")
    add_output(parser, ".csv, .jsonl, .parquet, .usagi.csv, .sssom.tsv; - for")
    parser.add_argument(
        "--top",
        type=whole_number(1, MOST_TOP),
        metavar="N",
        help="most codes of a term (default: 10, or all there are)",
    )
    parser.add_argument(
        "--min-score", type=cosine, metavar="COSINE", help="terms without a candidate as near as this have no match"
    )
    add_where(parser, "look only at names with a value in a column that the index keeps")
    add_sheet(parser)
    add_gold(parser)
    add_reranking(parser)
    add_session(parser)
    add_workers(parser, "embed, for machines of dozens of cores")


def cosine(text: str) -> float:
    """Read a cosine.

    Raises:
        ArgumentTypeError: It is none.
    """
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not -1 <= found <= 1:
        raise argparse.ArgumentTypeError(f"{text[:18]!a} is no cosine from -1 to 1")
    return found


def run(args: argparse.Namespace) -> int:
    """Link the terms of a file."""
    form = _check(args)
    with terminated_once(), _source(args) as source, _opened(args) as found:
        jury = _jury(args, found.index)
        plan = _plan(args, form, source, found.index, jury)
        if args.output == STDOUT:
            _to_stdout(source, found, plan)
        else:
            _to_file(args, source, found, plan)
        if jury is not None:
            show(args, jury.verdict(args.min_score))
    return 0


def _check(args: argparse.Namespace) -> Format:
    """Refuse what could not be written in the end; return the form of the output."""
    refuse_without_gold(args)
    args.output = real_output(args.output)
    name = args.form or (_STREAM_FORMAT if args.output == STDOUT else find_form(args.output))
    refuse_idle(args, name)
    _refuse_overwriting(args)
    if args.output == STDOUT:
        _refuse_on_stdout(args, name)
    else:
        check_place(Path(args.output), force=args.force)
        if FORMATS[name].needs_pyarrow:
            require_pyarrow(Path(args.output))
    if args.html is not None:
        check_place(args.html, force=args.force)
    return FORMATS[name]


def _refuse_overwriting(args: argparse.Namespace) -> None:
    folders = [str(path) for path in (args.index, args.artifact, args.rerank) if path is not None]
    for read in (args.input, *folders):
        refuse_overwriting(read, args.output)
        if args.html is not None:
            refuse_overwriting(read, str(args.html), "--html")
    if args.html is not None and args.output != STDOUT and args.html.resolve() == Path(args.output).resolve():
        raise InputError(f"--html and --output are one file, {args.output}: choose another name for one of them")


def _refuse_on_stdout(args: argparse.Namespace, name: str) -> None:
    for given, what in (
        (args.gold is not None, "--gold prints its figures there"),
        (args.workers > 1, f"--workers {args.workers} is for files"),
        (FORMATS[name].needs_pyarrow, f"{name} is no text"),
    ):
        if given:
            raise InputError(f"links go to standard output, and {what}: give --output FILE")


@contextmanager
def _source(args: argparse.Namespace) -> Iterator[Source]:
    gold = () if args.gold is None else (args.gold,)
    columns = columns_from(args, args.id_column, (*kept_columns(args), *gold), _OPTIONS)
    with file_source(args, columns) as source:
        yield source


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[_Opened]:
    from biolord_onnx.index.artifact import find_artifact
    from biolord_onnx.index.index import Index
    from biolord_onnx.loading import LoadOptions

    path = args.artifact or find_artifact(args.index)
    session = LoadOptions(str(path), args.provider, args.threads)
    with session.load() as embedder:
        index = Index.open(args.index, embedder=embedder, verify_hashes=True)
        yield _Opened(index, embedder, replace(session, fingerprint=embedder.fingerprint))


def _jury(args: argparse.Namespace, index: Index) -> Jury | None:
    from biolord_onnx.link.jury import Jury

    return None if args.gold is None else Jury(index, len(kept_columns(args)), args.gold_separator)


def _plan(args: argparse.Namespace, form: Format, source: Source, index: Index, jury: Jury | None) -> Plan:
    from biolord_onnx.index.index import TOP
    from biolord_onnx.link.jury import DEPTH
    from biolord_onnx.link.plan import Plan, Wanted

    top = args.top or min(TOP, index.rows)
    if top > index.rows:
        raise InputError(f"--top is {top}, and {args.index} has {index.rows} names: ask for fewer")
    depth = top if jury is None else min(index.rows, max(top, DEPTH))
    reranking = reranking_from(args)
    if reranking is not None:
        depth = reranking.wanted(depth, index.rows)
    wanted = Wanted(top, args.min_score, where_from(args.where), depth, args.batch_tokens, reranking)
    sheet = read_sheet(args, source, index)
    form.check(sheet, index.codes())
    return Plan(wanted, sheet, form, None if jury is None else jury.watch)


def _to_stdout(source: Source, found: _Opened, plan: Plan) -> None:
    from biolord_onnx.link.run import link_to_stream

    cut = link_to_stream(source, sys.stdout.buffer, found.index, found.embedder, plan=plan, progress=wants_progress())
    tell_truncated(cut, source.count, found.embedder.max_length, "terms")


def _to_file(args: argparse.Namespace, source: Source, found: _Opened, plan: Plan) -> None:
    from biolord_onnx.bulk.gathering import BulkOptions
    from biolord_onnx.link.run import PART_TERMS, link_to_file

    started = time.perf_counter()
    session = found.session.shared(args.workers)
    bulk = BulkOptions(args.workers, args.restart, args.force, wants_progress(), tell, PART_TERMS)
    result = link_to_file(source, args.output, found.index, found.embedder, session=session, plan=plan, bulk=bulk)
    tell_truncated(result.truncated, result.rows, found.embedder.max_length, "terms")
    seconds = time.perf_counter() - started
    tell(f"{args.output}: {plan.linked} of {result.rows} terms have a match, in {seconds:.1f} s")
