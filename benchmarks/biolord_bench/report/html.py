"""Results as one page: tables with bars, nothing loaded from anywhere, readable in the dark too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from biolord_bench.report.cells import Table, figure_of
from biolord_bench.report.table import summary, tables
from biolord_bench.results.results import Results

_STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #1c2024; --muted: #60646c; --line: #dfe2e6; --tint: #f5f7f9; --bar: #d5e4f3;
}
@media (prefers-color-scheme: dark) {
  :root { --page: #14171a; --text: #e8eaed; --muted: #9ba1a8; --line: #33383e; --tint: #1c2024; --bar: #26405c; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 92rem; padding: 2.5rem clamp(1rem, 4vw, 3.5rem) 4rem; background: var(--page);
  color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1 { font-size: 1.75rem; letter-spacing: -0.015em; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; letter-spacing: -0.01em; margin: 0 0 0.75rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1.25rem; margin: 0; font-size: 0.9rem; }
dt { color: var(--muted); }
dd { margin: 0; }
section { border-top: 1px solid var(--line); margin-top: 2.25rem; padding-top: 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.84rem; font-variant-numeric: tabular-nums; }
table { min-width: min(100%, 60rem); }
th, td { padding: 0.4rem 0.55rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { color: var(--muted); font-weight: 500; vertical-align: bottom; }
th:first-child, td:first-child { padding-left: 0.35rem; color: var(--muted); }
tbody tr:hover { background: var(--tint); }
.bar { background: linear-gradient(to left, var(--bar) var(--share), transparent var(--share)) content-box; }
.bar { min-width: 7rem; padding-block: 0.2rem; }
.words { text-align: left; }
td.words:nth-child(2) { font-weight: 500; white-space: normal; min-width: 11rem; }
.why { white-space: normal; min-width: 24rem; }
p.note, footer { color: var(--muted); font-size: 0.84rem; margin: 0.6rem 0 0; max-width: 70ch; }
footer { margin-top: 2.5rem; }
""".strip()


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
{_STYLE}
</style>
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
