"""Plots of results as SVG that takes its colors from the page around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

from biolord_bench.report.cells import Numbered, number
from biolord_bench.results.results import Results, Row

WIDTH, ROW, AXIS, PAD = 560, 52, 44, 8
"""Of a drawing: its width, the height of a row and of the axis below, and the room at its sides."""
_BAR, _DOT = 16, 5
_SERIES = ("var(--series-1)", "var(--series-2)", "var(--series-3)")
_HEIGHT_OF_POINTS = 320
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot.

    Attributes:
        key: of the table it belongs to.
        svg: markup for a page that sets ``--series-1`` ... ``--series-3``, ``--muted``, ``--line``, ``--page``.
        caption: what it shows.
        legend: names of the series, in their order.
    """

    key: str
    svg: str
    caption: str
    legend: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a plot: its name, the figure at its right, values, and whether they are stacked or marked."""

    name: str
    figure: str
    stacked: Sequence[float] = ()
    marked: Sequence[tuple[float, str]] = ()

    @property
    def most(self) -> float:
        return max((sum(self.stacked), *(value for value, _ in self.marked)))


def plots(results: Results) -> list[Plot]:
    """Draw what there are figures for."""
    numbered = [(str(position), row) for position, row in enumerate(results.rows, start=1)]
    made = [draw(numbered) for draw in (_latency, _fidelity, _memory, _stages)]
    return [plot for plot in made if plot is not None]


def _latency(rows: Numbered) -> Plot | None:
    def line(name: str, row: Row) -> _Line | None:
        if row.query is None:
            return None
        values = (row.query.p50_ms, row.query.p95_ms, row.query.p99_ms)
        return _Line(name, number(row.query.p50_ms), marked=tuple(zip(values, _SERIES, strict=True)))

    caption = "Latency of single queries; the figure is the median."
    return _rows(rows, line, Plot("queries", "milliseconds a query", caption, ("p50", "p95", "p99")))


def _memory(rows: Numbered) -> Plot | None:
    def line(name: str, row: Row) -> _Line | None:
        if row.memory is None or row.memory.private_mb is None:
            return None
        parts = (row.memory.private_mb, row.memory.shared_mb or 0.0)
        marked = [] if row.memory.peak_mb is None else [(row.memory.peak_mb, _SERIES[2])]
        return _Line(name, number(sum(parts)), parts, marked)

    caption = "Memory after 40 queries, and the peak of the whole run; the figure is what is resident."
    return _rows(rows, line, Plot("memory", "MB", caption, ("private", "shared", "peak")))


def _stages(rows: Numbered) -> Plot | None:
    def line(name: str, row: Row) -> _Line | None:
        if row.stages is None or row.stages.run_ms <= 0:
            return None
        parts = (row.stages.tokenize_ms, row.stages.run_ms, row.stages.other_ms)
        shares = [100 * part / sum(parts) for part in parts]
        return _Line(name, f"{shares[1]:.0f} %", shares)

    caption = "Where the time of a bulk run goes; the figure is the share of the graph."
    return _rows(rows, line, Plot("stages", "% of the time of a bulk run", caption, ("tokenize", "graph", "other")))


def _rows(rows: Numbered, line: Callable[[str, Row], _Line | None], plot: Plot) -> Plot | None:
    """Draw a plot with a line a row; ``plot.svg`` is what its axis says."""
    lines = [made for label, row in rows if (made := line(f"{label}  {row.name}", row)) is not None]
    if not lines:
        return None
    scale = _Scale(0.0, max(made.most for made in lines) * 1.02 or 1.0, PAD, WIDTH - PAD)
    height = ROW * len(lines)
    parts = [*_grid(scale, height), *(part for at, made in enumerate(lines) for part in _drawn(made, at, scale))]
    parts.append(_text(WIDTH / 2, height + AXIS - 6, plot.svg, "middle", "var(--muted)"))
    return Plot(plot.key, _svg(height + AXIS, parts), plot.caption, plot.legend)


def _drawn(line: _Line, at: int, scale: _Scale) -> Iterator[str]:
    top = at * ROW
    middle = top + 36
    yield _text(PAD, top + 20, line.name, "start")
    yield _text(WIDTH - PAD, top + 20, line.figure, "end", weight=600)
    left = 0.0
    for value, color in zip(line.stacked, _SERIES, strict=False):
        x, width = scale(left), scale(left + value) - scale(left)
        yield f'<rect x="{x:.1f}" y="{middle - _BAR / 2}" width="{width:.1f}" height="{_BAR}" fill="{color}"/>'
        left += value
    for value, color in line.marked:
        if line.stacked:
            x, ends = scale(value), (middle - _BAR / 2 - 3, middle + _BAR / 2 + 3)
            yield f'<path d="M{x:.1f} {ends[0]}V{ends[1]}" stroke="{color}" stroke-width="3"/>'
        else:
            yield f'<circle cx="{scale(value):.1f}" cy="{middle}" r="{_DOT}" fill="{color}"/>'


def _fidelity(rows: Numbered) -> Plot | None:
    workload = next((bulk.workload for _, row in rows for bulk in row.bulk), "")
    found = [
        (label, row.fidelity.mean, bulk.texts_per_s)
        for label, row in rows
        if (bulk := row.bulk_of(workload)) is not None and row.fidelity is not None
    ]
    if not found:
        return None
    lowest = min(cosine for _, cosine, _ in found)
    margin = max(0.1 * (1 - lowest), 1e-4)
    across = _Scale(lowest - margin, 1 + margin, 60, WIDTH - PAD)
    up = _Scale(0.0, 1.15 * max(speed for _, _, speed in found) or 1.0, _HEIGHT_OF_POINTS, 12)
    parts = [*_grid(across, _HEIGHT_OF_POINTS), *_levels(up)]
    for label, cosine, speed in found:
        x, y = across(cosine), up(speed)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="11" fill="{_SERIES[0]}"/>')
        parts.append(_text(x, y + 4.5, label, "middle", "var(--page)", weight=600))
    foot = _HEIGHT_OF_POINTS + AXIS - 6
    parts.append(_text(WIDTH / 2, foot, "mean cosine to the reference", "middle", "var(--muted)"))
    caption = f"Texts a second of {workload} against fidelity, by number of row: up is faster, right is more faithful."
    return Plot("bulk", _svg(_HEIGHT_OF_POINTS + AXIS, parts), caption)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Values from ``least`` to ``most`` on a line from ``start`` to ``end``."""

    least: float
    most: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.least) / (self.most - self.least)

    def ticks(self) -> list[tuple[float, str]]:
        """Return round values within, a few of them, and how they are written."""
        rough = (self.most - self.least) / _TICKS
        power = 10.0 ** floor(log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        digits = max(0, -floor(log10(step)))
        first = floor(self.least / step) + 1 if self.least else 0
        values = [number * step for number in range(first, first + 2 * _TICKS) if number * step <= self.most]
        return [(value, f"{value:,.{digits}f}") for value in values]


def _grid(scale: _Scale, height: float) -> Iterator[str]:
    for value, text in scale.ticks():
        x = scale(value)
        yield f'<path d="M{x:.1f} 0V{height}" stroke="var(--line)"/>'
        yield _text(x, height + 16, text, "middle", "var(--muted)")


def _levels(scale: _Scale) -> Iterator[str]:
    for value, text in scale.ticks():
        y = scale(value)
        yield f'<path d="M60 {y:.1f}H{WIDTH - PAD}" stroke="var(--line)"/>'
        yield _text(54, y + 4, text, "end", "var(--muted)")


def _text(x: float, y: float, text: str, anchor: str, color: str = "currentColor", *, weight: int = 400) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{color}" font-weight="{weight}" font-size="13">{escape(text)}</text>'


def _svg(height: float, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}">{"".join(parts)}</svg>'
