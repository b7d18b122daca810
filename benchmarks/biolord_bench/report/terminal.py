"""Results for a terminal: tables whose columns stand under each other."""

from __future__ import annotations

from collections.abc import Sequence

from biolord_bench.report.cells import Table
from biolord_bench.report.table import summary, tables
from biolord_bench.results.results import Results


def render(results: Results) -> str:
    """Lay results out for a terminal."""
    lines = [f"{label:<9}{text}" for label, text in summary(results)]
    for table in tables(results):
        lines += ["", table.title, *_aligned(table)]
        if table.note:
            lines.append(f"  {table.note}")
    return "\n".join(lines) + "\n"


def _aligned(table: Table) -> list[str]:
    lines = [table.header, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.header))]
    return [_line(line, widths, table.left) for line in lines]


def _line(cells: Sequence[str], widths: Sequence[int], left: Sequence[int]) -> str:
    pairs = enumerate(zip(cells, widths, strict=True))
    laid = [text.ljust(width) if column in left else text.rjust(width) for column, (text, width) in pairs]
    return f"  {'  '.join(laid)}".rstrip()
