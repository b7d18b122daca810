"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import importlib.util
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.errors import InputError
from biolord_onnx.session.cores import parse_threads

if TYPE_CHECKING:
    from biolord_onnx.embedder import Embedder

_DIGITS = 18
"""More than any argument has; of a longer one no more is shown."""


def add_artifact(parser: argparse.ArgumentParser) -> None:
    """Add the artifact."""
    parser.add_argument("artifact", metavar="ARTIFACT", type=Path, help="folder, or name of an installed artifact")


def add_artifact_hint(parser: argparse.ArgumentParser) -> None:
    """Add the artifact of an index that is searched."""
    parser.add_argument(
        "--artifact",
        type=Path,
        help="that the index was built with (default: where it was then, or the installed one)",
    )


def add_prompt(parser: argparse.ArgumentParser) -> None:
    """Add what is put in front of texts."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--prompt", metavar="TEXT", help="text to put in front of each")
    group.add_argument(
        "--prompt-name",
        metavar="NAME",
        help="the checkpoint's own prompt of this name; biolord info lists them (default: the checkpoint's)",
    )


MOST_DIMENSIONS = 65_536
# Processes; each takes some 50 MB, and a core to be of use.
MOST_WORKERS = 256


def thread_count(text: str) -> int:
    """Read the value of --threads.

    Raises:
        ArgumentTypeError: It isn't a number of threads.
    """
    try:
        return parse_threads(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a type for `add_argument`: whole numbers within bounds, written in decimal digits alone."""

    def read(text: str) -> int:
        # Digits are counted first: int() refuses numbers of some thousand, and takes "1_0" and "\u0663" for numbers.
        digits = text.removeprefix("-")
        known = digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS
        if not known or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{_shown(text)} is no whole number from {least} to {most}")
        return int(text)

    return read


def seconds(most: float) -> Callable[[str], float]:
    """Return a type for `add_argument`: more than no time, and finite."""

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not 0 < found <= most:
            raise argparse.ArgumentTypeError(f"{_shown(text)} is no number of seconds above 0 and up to {most:.0f}")
        return found

    return read


def _shown(text: str) -> str:
    return ascii(text if len(text) <= _DIGITS else f"{text[:_DIGITS]}...")


def add_truncate_dim(parser: argparse.ArgumentParser) -> None:
    """Add how many numbers of a vector are kept."""
    parser.add_argument(
        "--truncate-dim",
        type=whole_number(1, MOST_DIMENSIONS),
        metavar="N",
        help="numbers to keep of a vector, for checkpoints that were trained so; unit vectors are made so after that",
    )


def add_session(parser: argparse.ArgumentParser) -> None:
    """Add how the graph is run."""
    group = parser.add_argument_group("how it runs")
    group.add_argument(
        "--provider", default="auto", help="auto, or a name such as cpu, cuda, openvino (default: %(default)s)"
    )
    group.add_argument("--threads", type=thread_count, metavar="N", help="cores to use (default: those available)")
    group.add_argument("--batch-tokens", type=int, metavar="N", help="most tokens of one run")


def load_embedder(args: argparse.Namespace) -> Embedder:
    """Load the artifact as the arguments say."""
    from biolord_onnx.embedder import Embedder

    return Embedder.load(args.artifact, provider=args.provider, threads=args.threads)


def wants_progress() -> bool:
    """Whether a person is watching and a bar can be drawn."""
    return sys.stderr.isatty() and importlib.util.find_spec("tqdm") is not None
