"""Reranking on the command line: ``--rerank ARTIFACT --rerank-top N``."""

from __future__ import annotations

import argparse
from pathlib import Path

from biolord_onnx.cli.arguments import whole_number
from biolord_onnx.errors import InputError
from biolord_onnx.reranked import FIRST, Reranking

MOST_RERANKED = 10_000


def add_reranking(parser: argparse.ArgumentParser) -> None:
    """Add the reranker."""
    group = parser.add_argument_group("reranking")
    group.add_argument(
        "--rerank", type=Path, metavar="ARTIFACT", help="of a cross-encoder: it puts the nearest names in order"
    )
    group.add_argument(
        "--rerank-top",
        type=whole_number(1, MOST_RERANKED),
        metavar="N",
        help=f"how many of the nearest names it reads (default: {FIRST})",
    )


def reranking_from(args: argparse.Namespace) -> Reranking | None:
    """Load the reranker that the arguments name; None if they name none.

    Raises:
        InputError: ``--rerank-top`` is given alone.
        BiolordError: As `Reranker.load`.
    """
    if args.rerank is None:
        if args.rerank_top is not None:
            raise InputError("--rerank-top needs --rerank: name the artifact of a cross-encoder")
        return None
    from biolord_onnx.reranker import Reranker

    reranker = Reranker.load(args.rerank, provider=args.provider, threads=args.threads)
    return Reranking(reranker, args.rerank_top or FIRST)
