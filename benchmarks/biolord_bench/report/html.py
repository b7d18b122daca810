"""Results as one page: tables beside plots, nothing loaded from anywhere, readable in the dark too."""

from __future__ import annotations

from html import escape

from biolord_bench.report.cells import Table
from biolord_bench.report.plots import Plot, plots
from biolord_bench.report.table import summary, tables
from biolord_bench.results.results import Results

_STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #1c2024; --muted: #60646c; --line: #dfe2e6; --tint: #f5f7f9;
  --series-1: #2563a8; --series-2: #7fb0dc; --series-3: #d9822b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --text: #e8eaed; --muted: #9ba1a8; --line: #33383e; --tint: #1c2024;
    --series-1: #6aaaf0; --series-2: #3d6690; --series-3: #f0a050;
  }
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
.beside { display: grid; gap: 1.5rem 3rem; align-items: start; }
.beside > * { min-width: 0; }
@media (min-width: 72rem) { .beside:has(figure) { grid-template-columns: minmax(20rem, 27rem) minmax(0, 1fr); } }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.84rem; font-variant-numeric: tabular-nums; }
table { min-width: min(100%, 60rem); }
.beside:has(figure) table { min-width: 100%; }
th, td { padding: 0.4rem 0.55rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { color: var(--muted); font-weight: 500; vertical-align: bottom; }
th:first-child, td:first-child { padding-left: 0.35rem; color: var(--muted); }
tbody tr:hover { background: var(--tint); }
.words { text-align: left; }
td.words:nth-child(2) { font-weight: 500; white-space: normal; min-width: 11rem; }
.why { white-space: normal; min-width: 24rem; }
p.note { color: var(--muted); font-size: 0.84rem; margin: 0.6rem 0 0; max-width: 70ch; }
figure { margin: 0; max-width: 36rem; }
figure svg { display: block; width: 100%; height: auto; }
figure svg text { font-variant-numeric: tabular-nums; white-space: pre; }
figcaption { color: var(--muted); font-size: 0.84rem; margin-top: 0.4rem; }
.keys { display: block; }
.key { display: inline-block; margin-right: 1rem; color: var(--text); }
.key::before {
  content: ""; display: inline-block; width: 0.7em; height: 0.7em; border-radius: 2px; margin-right: 0.4em;
  background: var(--series);
}
footer { color: var(--muted); font-size: 0.84rem; margin-top: 2.5rem; }
""".strip()


def render(results: Results) -> str:
    """Lay results out as an HTML page."""
    drawn = {plot.key: plot for plot in plots(results)}
    sections = "\n".join(_section(table, drawn.get(table.key)) for table in tables(results))
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


def _section(table: Table, plot: Plot | None) -> str:
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    figure = _figure(plot) if plot else ""
    content = f'<div><div class="scroll">{_table(table)}</div>{note}</div>'
    return f'<section>\n<h2>{escape(table.title)}</h2>\n<div class="beside">{figure}{content}</div>\n</section>'


def _figure(plot: Plot) -> str:
    keys = "".join(
        f'<span class="key" style="--series: var(--series-{at})">{escape(name)}</span>'
        for at, name in enumerate(plot.legend, start=1)
    )
    legend = f'<span class="keys">{keys}</span>' if keys else ""
    svg = plot.svg.replace("<svg", f'<svg role="img" aria-label="{escape(plot.caption)}"', 1)
    return f"<figure>{svg}<figcaption>{legend}{escape(plot.caption)}</figcaption></figure>"


def _table(table: Table) -> str:
    head = "".join(_cell("th", text, column, table) for column, text in enumerate(table.header))
    rows = ["".join(_cell("td", text, column, table) for column, text in enumerate(row)) for row in table.rows]
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def _cell(tag: str, text: str, column: int, table: Table) -> str:
    names = ["words"] * (column in table.left) + ["why"] * (table.key in {"errors", "notes"} and column > 1)
    attribute = f' class="{" ".join(names)}"' if names else ""
    return f"<{tag}{attribute}>{escape(text)}</{tag}>"
