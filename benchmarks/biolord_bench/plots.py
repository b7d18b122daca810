"""Plots of results, drawn by matplotlib as SVG that takes its colours from the page around it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biolord_bench.results import Results, Row
from biolord_bench.table import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Stand-ins that matplotlib writes, and what the page's style sheet has for them.
_TEXT, _MUTED, _LINE, _PAGE = "#010203", "#010204", "#010205", "#010206"
_SERIES = ("#010207", "#010208", "#010209")
_COLOURS = {
    _TEXT: "currentColor",
    _MUTED: "var(--muted)",
    _LINE: "var(--line)",
    _PAGE: "var(--page)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(_SERIES, start=1)},
}
_WIDTH, _ROW_HEIGHT, _AXIS_HEIGHT = 6.0, 0.6, 0.7  # inches
_NAME_OFFSET = 0.4
# Any: matplotlib's stubs list every key, another list in each release.
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 12.0,
    "text.color": _TEXT,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _MUTED,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _MUTED,
    "ytick.labelcolor": _MUTED,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
}

Numbered = Sequence[tuple[str, Row]]


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot.

    Attributes:
        key: of the table it belongs to.
        svg: markup to put into a page that sets ``--series-1`` ... ``--series-3``, ``--muted``, ``--line``, ``--page``.
        caption: what it shows.
        legend: names of the series, in their order.
    """

    key: str
    svg: str
    caption: str
    legend: tuple[str, ...] = ()


def plots(results: Results) -> list[Plot]:
    """Draw what there are figures for."""
    numbered = [(str(position), row) for position, row in enumerate(results.rows, start=1)]
    made = [draw(numbered) for draw in (_latency, _fidelity, _memory, _stages)]
    return [plot for plot in made if plot is not None]


def _latency(rows: Numbered) -> Plot | None:
    found = [(label, row, row.query) for label, row in rows if row.query is not None]
    if not found:
        return None

    def draw(axes: Axes) -> None:
        for at, (_, _, query) in enumerate(found):
            values = (query.p50_ms, query.p95_ms, query.p99_ms)
            axes.plot(values, [at] * 3, color=_LINE, linewidth=2, zorder=1, solid_capstyle="round")
            for value, colour in zip(values, _SERIES, strict=True):
                axes.scatter([value], [at], s=52, color=colour, edgecolor=_PAGE, linewidth=1.2, zorder=2)
        _names(axes, [f"{label}  {row.name}" for label, row, _ in found], [number(q.p50_ms) for _, _, q in found])
        axes.set_xlabel("milliseconds a query")

    svg = _svg("latency", len(found), draw)
    return Plot("queries", svg, "Latency of single queries; the figure is the median.", ("p50", "p95", "p99"))


def _fidelity(rows: Numbered) -> Plot | None:
    workload = next((bulk.workload for _, row in rows for bulk in row.bulk or ()), "")
    found = [
        (label, fidelity.mean, bulk.texts_per_s)
        for label, row in rows
        if (bulk := row.bulk_of(workload)) is not None and (fidelity := row.fidelity) is not None
    ]
    if not found:
        return None

    def draw(axes: Axes) -> None:
        for label, cosine, speed in found:
            axes.scatter([cosine], [speed], s=300, color=_SERIES[0], edgecolor=_PAGE, linewidth=1.5, zorder=2)
            axes.text(cosine, speed, label, color=_PAGE, ha="center", va="center_baseline", weight="bold", zorder=3)
        lowest = min(cosine for _, cosine, _ in found)
        margin = max(0.1 * (1 - lowest), 1e-4)
        axes.set_xlim(lowest - margin, 1 + margin)
        axes.set_ylim(0, 1.15 * max(speed for _, _, speed in found))
        axes.ticklabel_format(axis="x", useOffset=False)
        axes.locator_params(axis="x", nbins=5)
        axes.grid(visible=True)
        axes.set_xlabel("mean cosine to the reference")
        axes.set_ylabel(f"{workload}, texts a second")

    caption = "Throughput against fidelity, by number of row: up is faster, right is more faithful."
    return Plot("bulk", _svg("fidelity", 6, draw), caption)


def _memory(rows: Numbered) -> Plot | None:
    found = [
        (f"{label}  {row.name}", memory.private_mb, memory.shared_mb or 0.0, memory.peak_mb)
        for label, row in rows
        if (memory := row.memory) is not None and memory.private_mb is not None
    ]
    if not found:
        return None

    def draw(axes: Axes) -> None:
        _stack(axes, [(private, shared) for _, private, shared, _ in found])
        for at, (_, _, _, peak) in enumerate(found):
            if peak is not None:
                axes.plot([peak, peak], [at - 0.2, at + 0.2], color=_SERIES[2], linewidth=2.5)
        _names(axes, [name for name, *_ in found], [number(private + shared) for _, private, shared, _ in found])
        axes.set_xlabel("MB")

    caption = "Memory after 40 queries, and the peak of the whole run; the figure is what is resident."
    return Plot("memory", _svg("memory", len(found), draw), caption, ("private", "shared", "peak"))


def _stages(rows: Numbered) -> Plot | None:
    found = [
        (f"{label}  {row.name}", (stages.tokenise_ms, stages.run_ms, stages.other_ms))
        for label, row in rows
        if (stages := row.stages) is not None and stages.run_ms > 0
    ]
    if not found:
        return None

    def draw(axes: Axes) -> None:
        _stack(axes, [[100 * part / sum(parts) for part in parts] for _, parts in found])
        _names(axes, [name for name, _ in found], [f"{100 * parts[1] / sum(parts):.0f} %" for _, parts in found])
        axes.set_xlabel("% of the time of a bulk run")

    caption = "Where the time of a bulk run goes; the figure is the share of the graph."
    return Plot("stages", _svg("stages", len(found), draw), caption, ("tokenise", "graph", "other"))


def _stack(axes: Axes, bars: Iterable[Sequence[float]]) -> None:
    for at, parts in enumerate(bars):
        left = 0.0
        for part, colour in zip(parts, _SERIES, strict=False):
            axes.barh([at], [part], left=left, height=0.34, color=colour, edgecolor=_PAGE, linewidth=1)
            left += part


def _names(axes: Axes, names: Sequence[str], figures: Sequence[str]) -> None:
    """Write name and figure over each row, and put the axes around them."""
    axes.set_xlim(left=0)
    axes.set_ylim(len(names) - 0.6, -0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=True, axis="x")
    line = axes.get_yaxis_transform()
    for at, (name, figure) in enumerate(zip(names, figures, strict=True)):
        axes.text(0, at - _NAME_OFFSET, name, transform=line, va="center", color=_TEXT)
        axes.text(1, at - _NAME_OFFSET, figure, transform=line, va="center", ha="right", color=_TEXT, weight="bold")


def _svg(name: str, rows: int, draw: Callable[[Axes], None]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(_WIDTH, _AXIS_HEIGHT + _ROW_HEIGHT * max(rows, 1)), layout="constrained")
        draw(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _for_page(buffer.getvalue(), name)


def _for_page(svg: str, name: str) -> str:
    """Make a part of a page of a document: no prolog, namespaces or size, ids of its own, the page's colours."""
    root, _, content = svg[svg.index("<svg") :].partition(">")
    root = re.sub(r'\s(xmlns(:\w+)?|width|height|version)="[^"]*"', "", root)
    svg = f"{root}>{re.sub(r'<metadata>.*?</metadata>', '', content, flags=re.DOTALL)}"
    svg = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    for stand_in, colour in _COLOURS.items():
        svg = svg.replace(stand_in, colour)
    return re.sub(r"\s*\n\s*", "\n", svg).strip()
