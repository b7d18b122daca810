"""``biolord embed``: texts to vectors."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from biolord_onnx.bulk.formats import STDOUT, check_output, real_output
from biolord_onnx.bulk.source import Source, of_texts
from biolord_onnx.cli.arguments import (
    add_artifact,
    add_prompt,
    add_session,
    add_truncate_dim,
    load_embedder,
    wants_progress,
)
from biolord_onnx.cli.bulk import add_output, add_workers, file_source, tell_truncated
from biolord_onnx.cli.input import add_input, columns_from, refuse_without_input
from biolord_onnx.cli.interrupts import terminated_once
from biolord_onnx.cli.output import tell
from biolord_onnx.cli.overwriting import refuse_overwriting
from biolord_onnx.errors import InputError
from biolord_onnx.io.rows import ColumnOptions

if TYPE_CHECKING:
    from biolord_onnx.embedder import Embedder
    from biolord_onnx.encode_options import EncodeOptions

SUMMARY = "turn texts into vectors"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_artifact(parser)
    parser.add_argument("texts", metavar="TEXT", nargs="*", default=[], help="texts to embed")
    add_input(parser, required=False)
    parser.add_argument(
        "--id-column", metavar="NAME", help="column of --input that rows are known by; written beside their vectors"
    )
    parser.add_argument(
        "--text-pair",
        metavar="NAME",
        help="column of --input that holds the second text of each pair, such as abstracts to titles",
    )
    add_output(parser, ".npy (vectors alone), .parquet, .arrow, .jsonl; - for JSON lines on")
    add_prompt(parser)
    add_truncate_dim(parser)
    parser.add_argument(
        "--normalize",
        action=argparse.BooleanOptionalAction,
        help="unit vectors or raw ones (default: what the checkpoint gives)",
    )
    parser.add_argument(
        "--overflow",
        choices=["truncate", "error", "window"],
        default="truncate",
        help="texts over the model's token limit are cut and counted, refused, or averaged over overlapping windows "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        choices=["float32", "float16", "int8", "uint8", "binary", "ubinary"],
        default="float32",
        help="number format of the vectors (default: %(default)s)",
    )
    add_session(parser)
    add_workers(parser, "share the cores, for machines of dozens")


def run(args: argparse.Namespace) -> int:
    """Embed the texts of the command line or of a file."""
    _check_output(args)
    if args.output == STDOUT and args.workers > 1:
        raise InputError(f"--workers {args.workers} needs --output FILE: standard output is written by one process")
    with terminated_once(), _source(args) as source, load_embedder(args) as embedder:
        if args.output == STDOUT:
            _to_stdout(args, source, embedder)
        else:
            _to_file(args, source, embedder)
    return 0


def _check_output(args: argparse.Namespace) -> None:
    """Check where a link leads, and go on with that; an error names what was typed, too."""
    typed, args.output = args.output, real_output(args.output)
    try:
        check_output(args.output, ids=args.id_column is not None, force=args.force)
    except InputError as error:
        if args.output == typed:
            raise
        raise InputError(f"{typed} is a link: {error}") from error
    if args.input is not None:
        refuse_overwriting(args.input, args.output)


def _to_stdout(args: argparse.Namespace, source: Source, embedder: Embedder) -> None:
    from biolord_onnx.bulk.run import embed_to_stdout

    cut = embed_to_stdout(source, embedder, _options(args), progress=args.input is not None and wants_progress())
    tell_truncated(cut, source.count, embedder.max_length, "texts")


def _options(args: argparse.Namespace) -> EncodeOptions:
    from biolord_onnx.encode_options import EncodeOptions

    return EncodeOptions(
        args.normalize,
        args.batch_tokens,
        args.overflow,
        args.precision,
        prompt=args.prompt,
        prompt_name=args.prompt_name,
        truncate_dim=args.truncate_dim,
    )


def _to_file(args: argparse.Namespace, source: Source, embedder: Embedder) -> None:
    from biolord_onnx.bulk.gathering import BulkOptions
    from biolord_onnx.bulk.run import embed_to_file
    from biolord_onnx.loading import LoadOptions

    started = time.perf_counter()
    result = embed_to_file(
        source,
        args.output,
        LoadOptions(str(args.artifact), args.provider, args.threads, embedder.fingerprint).shared(args.workers),
        embedder,
        options=_options(args),
        bulk=BulkOptions(args.workers, args.restart, args.force, args.input is not None and wants_progress(), tell),
    )
    tell_truncated(result.truncated, result.rows, embedder.max_length, "texts")
    seconds = time.perf_counter() - started
    tell(f"{args.output}: {result.rows} vectors of {result.width} {args.precision} numbers in {seconds:.1f} s")


@contextmanager
def _source(args: argparse.Namespace) -> Iterator[Source]:
    if args.input is None:
        refuse_without_input(args, "text_pair")
        if not args.texts:
            raise InputError("nothing to embed: give texts, or --input FILE")
        yield of_texts(args.texts)
        return
    if args.texts:
        raise InputError(f"both texts and --input {args.input} are given: give one of them")
    second = () if args.text_pair is None else (args.text_pair,)
    columns = columns_from(args, args.id_column, second, ColumnOptions(more="--text-pair"), paired=bool(second))
    with file_source(args, columns) as source:
        yield source
