"""Filters on the command line: ``--where COLUMN=VALUE``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from biolord_onnx.errors import InputError


def add_where(parser: argparse._ActionsContainer, meaning: str) -> None:
    """Add the filter.

    Args:
        parser: Takes the option.
        meaning: What it does, for the help.
    """
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help=f"{meaning}; of one column several values may be given, of several columns each must fit",
    )


def where_from(given: Iterable[str]) -> dict[str, list[str]]:
    """Read filters.

    Raises:
        InputError: One has no equals sign.
    """
    found: dict[str, list[str]] = {}
    for text in given:
        column, sign, value = text.partition("=")
        if not (column and sign):
            raise InputError(f"--where {text!r} is no filter: write COLUMN=VALUE, such as standard_concept=S")
        found.setdefault(column, []).append(value)
    return found
