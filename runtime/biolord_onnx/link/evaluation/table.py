"""An evaluation as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from biolord_onnx.link.evaluation.curve import STEPS, Point
from biolord_onnx.link.evaluation.measures import MRR_PLACES, Evaluation

_SHOWN_STEP = STEPS // 20


def lines(evaluation: Evaluation) -> Iterator[str]:
    """Yield the lines: figures, what the threshold did, what others would do."""
    for name, value in figures(evaluation):
        yield f"{name:<24} {value}"
    yield ""
    yield f"{'min-score':<12} {'coverage':>9} {'precision':>10} {'recall':>8}"
    for point in shown_points(evaluation.points):
        yield f"{point.min_score:<12.2f} {point.coverage:>9.3f} {point.precision:>10.3f} {point.recall:>8.3f}"
    yield ""
    for precision, found in evaluation.thresholds():
        yield f"precision {precision:.0%}: {advice(found)}"


def figures(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    """Yield the figures that stand for the whole, with their names."""
    yield "terms with a known code", str(evaluation.terms)
    if evaluation.unknown:
        yield "terms without", str(evaluation.unknown)
    yield "their codes in the index", f"{evaluation.in_index / evaluation.terms:.4f}"
    for k, share in evaluation.hits:
        yield f"Hit@{k}", f"{share:.4f}"
    yield f"MRR@{MRR_PLACES}", f"{evaluation.mrr:.4f}"
    yield "coverage", f"{evaluation.chosen.coverage:.4f}"
    yield "precision", f"{evaluation.chosen.precision:.4f}"


def advice(found: Point | None) -> str:
    """Say which threshold gives a precision."""
    if found is None:
        return "no threshold gives it"
    return f"--min-score {found.min_score:.3f} links {found.coverage:.1%} of the terms"


def shown_points(points: Sequence[Point]) -> list[Point]:
    """Return as many points as a table needs: those between all linked and none."""
    shown = list(points[::_SHOWN_STEP])
    first = max((at for at, point in enumerate(shown) if point.linked == points[0].linked), default=0)
    return [point for point in shown[first:] if point.linked]
