"""Results as one page: tables with bars, nothing loaded from anywhere, readable in the dark too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from biolord_bench.report.cells import Table, figure_of
from biolord_bench.report.table import summary, tables
from biolord_bench.results.results import Results

_STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def render(results: Results) -> str:
    """Lay results out as an HTML page."""
    sections = "\n".join(map(_section, tables(results)))
    facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in summary(results))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>biolord bench, {escape(results.machine.cpu)}</title>
<link rel="icon" href="data:,">
<style>
{_STYLE}</style>
</head>
<body>
<h1>biolord bench</h1>
<dl>{facts}</dl>
{sections}
<footer>× speed is relative to the first row that has the figure: 2.00 is twice as fast.</footer>
</body>
</html>
"""


def _section(table: Table) -> str:
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return f'<section>\n<h2>{escape(table.title)}</h2>\n<div class="scroll">{_table(table)}</div>{note}\n</section>'


def _table(table: Table) -> str:
    most = {column: max(figure_of(row[column]) for row in table.rows) or 1.0 for column in table.bars}
    head = "".join(_cell("th", text, column, table) for column, text in enumerate(table.header))
    body = "\n".join(f"<tr>{''.join(_data(row, table, most))}</tr>" for row in table.rows)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def _data(row: Sequence[str], table: Table, most: Mapping[int, float]) -> Iterator[str]:
    for column, text in enumerate(row):
        share = 100 * figure_of(text) / most[column] if column in most else 0.0
        bar = f' class="bar" style="--share: {share:.0f}%"' if share else ""
        yield f"<td{bar}>{escape(text)}</td>" if bar else _cell("td", text, column, table)


def _cell(tag: str, text: str, column: int, table: Table) -> str:
    names = ["words"] * (column in table.left) + ["why"] * (table.key in {"errors", "notes"} and column > 1)
    attribute = f' class="{" ".join(names)}"' if names else ""
    return f"<{tag}{attribute}>{escape(text)}</{tag}>"
