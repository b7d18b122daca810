"""``biolord similar``: the nearest lines of a file."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from biolord_onnx.artifact.prompts import DOCUMENT, QUERY
from biolord_onnx.bulk.reading import STDIN, read_rows
from biolord_onnx.cli.arguments import add_artifact, add_session, load_embedder, wants_progress
from biolord_onnx.cli.input import add_input, columns_from, tell_empty
from biolord_onnx.cli.output import say, tell
from biolord_onnx.errors import InputError
from biolord_onnx.io.rows import Row, is_blank
from biolord_onnx.printable import escape

if TYPE_CHECKING:
    from biolord_onnx.encoding.precision import Vectors

SUMMARY = "find the lines of a file that mean nearly the same"


@dataclass(frozen=True, slots=True)
class Match:
    """A line and how near it is.

    Attributes:
        score: Cosine to the query.
        line: Number of the line or row, from 1.
        text: The line.
    """

    score: float
    line: int
    text: str


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_artifact(parser)
    parser.add_argument("query", metavar="QUERY", help="text to look for")
    add_input(parser, required=True)
    parser.add_argument("--top", type=int, default=10, metavar="N", help="how many lines (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_session(parser)


def run(args: argparse.Namespace) -> int:
    """Print the lines nearest to the query, best first."""
    if args.top < 1:
        raise InputError(f"--top is {args.top}, expected 1 or more")
    if is_blank(args.query):
        raise InputError("the query is empty: give a text to look for")
    columns = columns_from(args)
    rows = list(read_rows(args.input, columns))
    tell_empty(columns, "standard input" if args.input == STDIN else args.input)
    texts = [row.text for row in rows]
    with load_embedder(args) as embedder:
        started = time.perf_counter()
        prompts = embedder.manifest.prompts
        candidates = embedder.encode_with_info(
            texts,
            prompt_name=prompts.named(DOCUMENT),
            normalize=True,
            batch_tokens=args.batch_tokens,
            show_progress_bar=wants_progress(),
        )
        embedded = time.perf_counter()
        query = embedder.encode_with_info(args.query, prompt_name=prompts.named(QUERY), normalize=True)
        matches = nearest(rows, candidates.vectors, query.vectors, args.top)
        finished = time.perf_counter()
        limit = embedder.max_length
    _print(matches, as_json=args.json)
    cut = int(candidates.truncated.sum()) + int(query.truncated)
    if cut:
        tell(f"{cut} texts have more than {limit} tokens and were cut")
    tell(
        f"{len(rows)} lines embedded in {1000 * (embedded - started):.0f} ms, "
        f"the query in {1000 * (finished - embedded):.1f} ms"
    )
    return 0


def nearest(rows: list[Row], vectors: Vectors, query: Vectors, top: int) -> list[Match]:
    """Rank rows by cosine to a query; of equal ones the earlier line comes first.

    Args:
        rows: n rows.
        vectors: [n, dim], unit length.
        query: [dim], unit length.
        top: Most matches.
    """
    from biolord_onnx.index.memory import nearest_rows

    found = nearest_rows(vectors, query, min(top, len(rows))) if rows else []
    return [Match(score, rows[at].number, rows[at].text) for at, score in found]


def _print(matches: list[Match], *, as_json: bool) -> None:
    if as_json:
        say(json.dumps([asdict(match) for match in matches], ensure_ascii=False, indent=2))
        return
    for match in matches:
        say(f"{match.score:.4f}  {escape(match.text)}")
