"""``biolord search``: the nearest names of an index."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.cli.arguments import add_artifact_hint, add_session, whole_number
from biolord_onnx.cli.names.reranking import add_reranking, reranking_from
from biolord_onnx.cli.names.where import add_where, where_from
from biolord_onnx.cli.output import say, tell
from biolord_onnx.errors import InputError
from biolord_onnx.printable import escape
from biolord_onnx.reranked import RerankedHit

if TYPE_CHECKING:
    from biolord_onnx.index.hits import Hit
    from biolord_onnx.index.index import Index

    Answers = list[tuple[str, Sequence[Hit | RerankedHit]]]

SUMMARY = "find the names of an index that mean nearly the same"
MOST_ROWS = 2**31 - 1
_WIDEST = 100
"""Characters of a column: a single name of megabytes must not make every line as long."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("index", metavar="INDEX", type=Path, help="folder that biolord index wrote")
    parser.add_argument("queries", metavar="QUERY", nargs="*", default=[], help="texts to look for")
    parser.add_argument("--code", action="append", default=[], metavar="CODE", help="show the names of a code")
    add_artifact_hint(parser)
    parser.add_argument(
        "--top", type=whole_number(1, MOST_ROWS), metavar="N", help="how many (default: 10, or all there are)"
    )
    add_where(parser, "show only names with a value in a column that the index keeps")
    parser.add_argument("--min-score", type=float, metavar="COSINE", help="smallest cosine that is shown")
    parser.add_argument("--all-names", action="store_true", help="show all names of a code, not the best alone")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_reranking(parser)
    add_session(parser)


def run(args: argparse.Namespace) -> int:
    """Print what is nearest to each query, best first."""
    if not (args.queries or args.code):
        raise InputError("nothing to look for: give a text, or --code CODE")
    answers: Answers = [*_look_up(args), *_search(args)]
    if args.json:
        found = [{"query": query, "hits": [_members(hit) for hit in hits]} for query, hits in answers]
        say(json.dumps(found, ensure_ascii=False, indent=2))
        return 0
    for number, (query, hits) in enumerate(answers):
        _print(query, hits, titled=len(answers) > 1, apart=number > 0)
    return 0


def _look_up(args: argparse.Namespace) -> list[tuple[str, list[Hit]]]:
    from biolord_onnx.index.index import Index

    if not args.code:
        return []
    index = Index.open(args.index)
    found = [(code, index.lookup(code)) for code in args.code]
    for code, hits in found:
        if not hits:
            raise InputError(f"{args.index} has no code {code!r}")
    return found


def _search(args: argparse.Namespace) -> Answers:
    if not args.queries:
        return []
    from biolord_onnx.index.index import TOP

    reranking = reranking_from(args)
    index = _open(args)
    top = min(TOP, index.rows) if args.top is None else args.top
    found = index.search(
        args.queries,
        top=reranking.wanted(top, index.rows) if reranking else top,
        where=where_from(args.where),
        min_score=args.min_score,
        all_names=args.all_names,
    )
    answers = zip(args.queries, found, strict=True)
    return [(query, reranking.order(query, hits)[:top] if reranking else hits) for query, hits in answers]


def _open(args: argparse.Namespace) -> Index:
    from biolord_onnx.embedder import Embedder
    from biolord_onnx.index.artifact import find_artifact
    from biolord_onnx.index.index import Index

    artifact = args.artifact or find_artifact(args.index)
    return Index.open(args.index, embedder=Embedder.load(artifact, provider=args.provider, threads=args.threads))


def _print(query: str, hits: Sequence[Hit | RerankedHit], *, titled: bool, apart: bool) -> None:
    if apart:
        say("")
    if titled:
        say(f"{escape(query)}:")
    if not hits:
        tell(f"nothing is found for {query!r}")
        return
    rows = [_cells(hit) for hit in hits]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        say("  ".join(cell.ljust(min(width, _WIDEST)) for cell, width in zip(cells, widths, strict=True)).rstrip())


def _members(hit: Hit | RerankedHit) -> dict[str, object]:
    if isinstance(hit, RerankedHit):
        return {**asdict(hit.hit), "rerank_score": hit.rerank_score}
    return asdict(hit)


def _cells(hit: Hit | RerankedHit) -> list[str]:
    if isinstance(hit, RerankedHit):
        return ["-" if hit.rerank_score is None else f"{hit.rerank_score:.4f}", *_cells(hit.hit)]
    code = [] if hit.code is None else [hit.code]
    score = "exact" if hit.exact else f"{hit.score:.4f}"
    return [escape(cell) for cell in (score, *code, hit.name, *hit.kept.values())]
