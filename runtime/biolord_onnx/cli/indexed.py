"""Arguments of commands that search an index."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.errors import InputError

if TYPE_CHECKING:
    from biolord_onnx.embedder import Embedder
    from biolord_onnx.index.index import Index
    from biolord_onnx.loading import LoadOptions


def add_index(parser: argparse.ArgumentParser) -> None:
    """Add the index, and the artifact that embeds queries."""
    parser.add_argument("index", metavar="INDEX", type=Path, help="folder that biolord index wrote")
    parser.add_argument(
        "--artifact",
        metavar="ARTIFACT",
        type=Path,
        help="the artifact that the index was built with (default: the folder or installed artifact of the name that "
        "the index knows)",
    )


def add_where(parser: argparse.ArgumentParser) -> None:
    """Add the filter."""
    parser.add_argument(
        "--where",
        action="extend",
        nargs="+",
        default=[],
        metavar="COL=VALUE",
        help="only rows with this value in a column that the index keeps; several values of a column are alternatives",
    )


def where_from(args: argparse.Namespace) -> dict[str, list[str]]:
    """Return the filter.

    Raises:
        InputError: an argument has no equals sign.
    """
    found: dict[str, list[str]] = {}
    for given in args.where:
        column, sign, value = given.partition("=")
        if not sign:
            raise InputError(f"--where is {given!r}, expected COL=VALUE")
        found.setdefault(column, []).append(value)
    return found


@dataclass(frozen=True, slots=True)
class Opened:
    """An index that is searched.

    Attributes:
        index: the index.
        embedder: of its artifact.
        session: how other processes load the artifact.
    """

    index: Index
    embedder: Embedder
    session: LoadOptions


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[Opened]:
    """Open the index, and load its artifact.

    Raises:
        ArtifactError: one of them can't be used, or they don't fit each other.
    """
    from biolord_onnx.index.index import Index
    from biolord_onnx.loading import LoadOptions

    path = args.artifact or Index.open(args.index).manifest.artifact.name
    session = LoadOptions(str(path), args.provider, args.threads)
    with session.load() as embedder:
        index = Index.open(args.index, embedder=embedder)
        yield Opened(index, embedder, replace(session, fingerprint=embedder.fingerprint))
