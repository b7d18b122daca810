"""Results as Markdown."""

from __future__ import annotations

from biolord_bench.report.cells import Table
from biolord_bench.report.table import summary, tables
from biolord_bench.results.results import Results


def render(results: Results) -> str:
    """Lay results out as Markdown."""
    lines = ["# biolord bench", "", *(f"- {label}: {_escape(text)}" for label, text in summary(results))]
    for table in tables(results):
        lines += ["", f"## {table.title}", "", *table_lines(table)]
        if table.note:
            lines += ["", table.note]
    return "\n".join(lines) + "\n"


def table_lines(table: Table) -> list[str]:
    """Lay a table out, numbers to the right."""
    rule = ["---" if column in table.left else "---:" for column in range(len(table.header))]
    lines = [table.header, rule, *([_escape(cell) for cell in row] for row in table.rows)]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _escape(text: str) -> str:
    """Keep a text from being taken for markup or for the end of a cell."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
