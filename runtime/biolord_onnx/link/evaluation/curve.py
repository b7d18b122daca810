"""What a threshold does: the higher it is, the fewer terms are linked, and the more of those rightly."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from biolord_onnx.link.evaluation.gold import Judged
from biolord_onnx.link.links import as_compared

STEPS = 1000
"""Thresholds from 0 to 1, both included, are that many steps apart: as somebody types them."""


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold does.

    Attributes:
        min_score: The threshold.
        terms: All that have a known code.
        linked: Those whose best candidate is as near as that.
        right: Those of these whose best candidate is right.
    """

    min_score: float
    terms: int
    linked: int
    right: int

    @property
    def precision(self) -> float:
        """Share of linked terms that are right; 1 where none is linked."""
        return self.right / self.linked if self.linked else 1.0

    @property
    def coverage(self) -> float:
        """Share of terms that are linked."""
        return self.linked / self.terms

    @property
    def recall(self) -> float:
        """Share of terms that are linked and right."""
        return self.right / self.terms


def curve(judged: Sequence[Judged]) -> list[Point]:
    """Return a point for each threshold, from 0 on.

    Args:
        judged: One term or more.
    """
    scored = sorted((one.score, one.rank == 1) for one in judged if one.score is not None)
    scores = [score for score, _ in scored]
    right_behind = [0]
    for _, right in reversed(scored):
        right_behind.append(right_behind[-1] + right)
    points = []
    for step in range(STEPS + 1):
        linked = len(scores) - bisect_left(scores, as_compared(step / STEPS))
        points.append(Point(step / STEPS, len(judged), linked, right_behind[linked]))
    return points


def threshold_for(precision: float, points: Sequence[Point]) -> Point | None:
    """Return the lowest threshold from which on links are as precise as that, None if none links anything then."""
    good: Point | None = None
    for point in reversed(points):
        if not point.linked:
            continue
        if point.precision < precision:
            break
        good = point
    return good
