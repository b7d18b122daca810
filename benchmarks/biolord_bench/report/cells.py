"""A table of text, and how a figure is written in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biolord_bench.results.results import Row

Numbered = Sequence[tuple[str, Row]]
"""Rows with their numbers, which are the same in all tables."""
Cells = tuple[tuple[str, ...], ...]
NONE = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text.

    Attributes:
        key: Names it to the renderers.
        note: How to read it.
        header: Of each column; the first holds numbers of rows, the second names.
        left: Columns of words, which are set to the left.
        bars: Columns whose figures a page draws as bars, too.
    """

    key: str
    title: str
    note: str
    header: tuple[str, ...]
    rows: Cells
    left: tuple[int, ...] = (1,)
    bars: tuple[int, ...] = ()


def number(value: float | None) -> str:
    """Write a figure with about three digits."""
    if value is None:
        return NONE
    for least, digits in ((99.95, 0), (9.995, 1), (0.9995, 2)):
        if value >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.3f}"


def numbers(*values: float | None) -> tuple[str, ...]:
    """Write figures."""
    return tuple(map(number, values))


def figure_of(text: str) -> float:
    """Read what `number` wrote; 0 where there is none."""
    return 0.0 if text == NONE else float(text.replace(",", ""))
