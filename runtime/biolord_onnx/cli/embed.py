"""``biolord embed``: texts to vectors."""

from __future__ import annotations

import argparse
import sys
import time

from biolord_onnx.cli.arguments import add_artifact, add_input, add_session, load_embedder, wants_progress
from biolord_onnx.cli.reading import read_texts
from biolord_onnx.cli.writing import STDOUT, check_output, write_vectors
from biolord_onnx.errors import InputError

SUMMARY = "turn texts into vectors"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_artifact(parser)
    parser.add_argument("texts", metavar="TEXT", nargs="*", default=[], help="texts to embed")
    add_input(parser, required=False)
    parser.add_argument(
        "--output",
        metavar="FILE",
        default=STDOUT,
        help="file to write: .npy (vectors alone), .jsonl, .parquet; - for JSON lines on standard output",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing output file")
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


def run(args: argparse.Namespace) -> int:
    """Embed the texts of the command line or of a file."""
    check_output(args.output, force=args.force)
    texts = _texts(args)
    started = time.perf_counter()
    with load_embedder(args) as embedder:
        info = embedder.encode_with_info(
            texts,
            normalize=args.normalize,
            batch_tokens=args.batch_tokens,
            overflow=args.overflow,
            precision=args.precision,
            show_progress_bar=args.input is not None and wants_progress(),
        )
        limit = embedder.max_length
    write_vectors(args.output, texts, info.vectors)
    cut = int(info.truncated.sum())
    if cut:
        sys.stderr.write(f"{cut} of {len(texts)} texts have more than {limit} tokens and were cut\n")
    if args.output != STDOUT:
        rows, dim = info.vectors.shape
        seconds = time.perf_counter() - started
        sys.stderr.write(f"{args.output}: {rows} vectors of {dim} {args.precision} numbers in {seconds:.1f} s\n")
    return 0


def _texts(args: argparse.Namespace) -> list[str]:
    if args.input is None:
        if args.column is not None:
            raise InputError("--column is given without --input: name the file, too")
        if not args.texts:
            raise InputError("nothing to embed: give texts, or --input FILE")
        return list(args.texts)
    if args.texts:
        raise InputError(f"both texts and --input {args.input} are given: give one of them")
    return read_texts(args.input, args.column)
