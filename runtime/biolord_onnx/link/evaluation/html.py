"""An evaluation as a page of its own: nothing is loaded from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from biolord_onnx.link.evaluation.curve import Point
from biolord_onnx.link.evaluation.measures import Evaluation
from biolord_onnx.link.evaluation.table import advice, figures, shown_points

_WIDTH, _HEIGHT, _LEFT, _BELOW, _PAD = 720, 380, 48, 44, 12
_TICKS = 5
_STEP = 5
_SERIES: tuple[tuple[str, str, Callable[[Point], float]], ...] = (
    ("precision", "var(--series-1)", lambda point: point.precision),
    ("coverage", "var(--series-2)", lambda point: point.coverage),
)
_STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1c2024; --muted: #60646c; --line: #dfe2e6;
  --series-1: #2563a8; --series-2: #b45f06; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --text: #e8eaed; --muted: #9ba1a8; --line: #33383e;
  --series-1: #6aaaf0; --series-2: #f0a050; } }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.5rem 4rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.15rem; margin-top: 2.25rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1.25rem; }
dt { color: var(--muted); } dd { margin: 0; } figure { margin: 0; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--muted); font-size: 13px; }
table { border-collapse: collapse; } dd, td, svg text { font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.8rem; text-align: right; border-bottom: 1px solid var(--line); }
th { color: var(--muted); font-weight: 500; } figcaption { color: var(--muted); }
.key::before { content: ""; display: inline-block; width: 0.7em; height: 0.7em; margin: 0 0.4em 0 1em;
  background: var(--series); }
""".strip()


def render(evaluation: Evaluation, title: str) -> str:
    """Lay an evaluation out as HTML.

    Args:
        evaluation: The figures.
        title: What was linked to what; any text.
    """
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in figures(evaluation))
    advised = "".join(
        f"<li>precision {precision:.0%}: {escape(advice(found))}</li>" for precision, found in evaluation.thresholds()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{_STYLE}
</style>
</head>
<body>
<h1>{escape(title)}</h1>
<dl>{facts}</dl>
<h2>What a threshold does</h2>
<figure>
{_plot(evaluation)}
<figcaption>Terms whose best candidate is nearer than --min-score are linked: how many, and how many of those rightly.
{_legend()}</figcaption>
</figure>
<ul>{advised}</ul>
{_table(evaluation.points)}
</body>
</html>
"""


def _plot(evaluation: Evaluation) -> str:
    lines = "".join(_curve(color, value, evaluation.points) for _, color, value in _SERIES)
    chosen = _x(max(0.0, evaluation.chosen.min_score))
    mark = f'<path d="M{chosen:.1f} {_PAD}V{_HEIGHT - _BELOW}" stroke="var(--muted)" stroke-dasharray="4 4"/>'
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="precision and coverage by threshold">'
        f"{_grid()}{mark}{lines}"
        f'<text x="{_x(0.5):.0f}" y="{_HEIGHT - 6}" text-anchor="middle">--min-score</text></svg>'
    )


def _grid() -> str:
    parts = []
    for tick in range(_TICKS + 1):
        at = tick / _TICKS
        x, y = _x(at), _y(at)
        parts += [
            f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _PAD}" stroke="var(--line)"/>',
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{at:.1f}</text>',
            f'<text x="{x:.1f}" y="{_HEIGHT - _BELOW + 18}" text-anchor="middle">{at:.1f}</text>',
        ]
    return "".join(parts)


def _curve(color: str, value: Callable[[Point], float], points: Sequence[Point]) -> str:
    """Draw a line as far as anything is linked."""
    places = " ".join(f"{_x(point.min_score):.1f},{_y(value(point)):.1f}" for point in points[::_STEP] if point.linked)
    return f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="2.5"/>'


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _PAD)


def _y(share: float) -> float:
    return _HEIGHT - _BELOW - share * (_HEIGHT - _BELOW - _PAD)


def _legend() -> str:
    return "".join(f'<span class="key" style="--series: {color}">{name}</span>' for name, color, _ in _SERIES)


def _table(points: Sequence[Point]) -> str:
    rows = "".join(
        f"<tr><td>{point.min_score:.2f}</td><td>{point.coverage:.3f}</td><td>{point.precision:.3f}</td>"
        f"<td>{point.recall:.3f}</td></tr>"
        for point in shown_points(points)
    )
    head = "".join(f"<th>{name}</th>" for name in ("min-score", "coverage", "precision", "recall"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
