"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biolord_onnx.embedder import Embedder


def add_artifact(parser: argparse.ArgumentParser) -> None:
    """Add the artefact."""
    parser.add_argument("artifact", metavar="ARTEFACT", type=Path, help="folder, or name of an installed artefact")


def add_session(parser: argparse.ArgumentParser) -> None:
    """Add how the graph is run."""
    group = parser.add_argument_group("how it runs")
    group.add_argument(
        "--provider", default="auto", help="auto, or a name such as cpu, cuda, openvino (default: %(default)s)"
    )
    group.add_argument("--threads", type=int, metavar="N", help="cores to use (default: those available)")
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
