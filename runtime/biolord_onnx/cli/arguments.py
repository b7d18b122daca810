"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.cores import parse_threads
from biolord_onnx.errors import InputError

if TYPE_CHECKING:
    from biolord_onnx.embedder import Embedder


def add_artifact(parser: argparse.ArgumentParser) -> None:
    """Add the artefact."""
    parser.add_argument("artifact", metavar="ARTEFACT", type=Path, help="folder, or name of an installed artefact")


# Each takes some 50 MB, and a core to be of use.
MOST_WORKERS = 256


def thread_count(text: str) -> int:
    """Read the value of --threads.

    Raises:
        ArgumentTypeError: it isn't a number of threads.
    """
    try:
        return parse_threads(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def process_count(text: str) -> int:
    """Read the value of --workers.

    Raises:
        ArgumentTypeError: it isn't a number of processes that a machine could bear.
    """
    count = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_WORKERS)) else 0
    if not 1 <= count <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text[:20]} is not a number of processes: give 1 to {MOST_WORKERS}")
    return count


def add_session(parser: argparse.ArgumentParser) -> None:
    """Add how the graph is run."""
    group = parser.add_argument_group("how it runs")
    group.add_argument(
        "--provider", default="auto", help="auto, or a name such as cpu, cuda, openvino (default: %(default)s)"
    )
    group.add_argument("--threads", type=thread_count, metavar="N", help="cores to use (default: those available)")
    group.add_argument(
        "--memory",
        choices=["fast", "low"],
        default="fast",
        help="fast repacks the weights, low maps them from the file (default: %(default)s)",
    )
    group.add_argument("--batch-tokens", type=int, metavar="N", help="most tokens of one run")


def load_embedder(args: argparse.Namespace) -> Embedder:
    """Load the artefact as the arguments say."""
    from biolord_onnx.embedder import Embedder

    return Embedder.load(args.artifact, provider=args.provider, threads=args.threads, memory=args.memory)


def wants_progress() -> bool:
    """Whether a person is watching and a bar can be drawn."""
    return sys.stderr.isatty() and importlib.util.find_spec("tqdm") is not None
