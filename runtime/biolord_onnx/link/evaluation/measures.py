"""The figures of an evaluation, as others report them: Hit@k, MRR@10, coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from biolord_onnx.errors import InputError
from biolord_onnx.link.evaluation.curve import Point, curve, threshold_for
from biolord_onnx.link.evaluation.gold import Judged
from biolord_onnx.link.links import as_compared

PLACES = (1, 5, 10, 20)
"""The k of Hit@k; so many candidates are looked at."""
MRR_PLACES = 10
_PRECISIONS = (0.9, 0.95, 0.99)
_JSON_STEP = 10


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well terms were linked whose codes are known.

    Attributes:
        terms: How many of them there are.
        unknown: Terms without a known code, which count nowhere else.
        in_index: How many have a known code that is in the index; no other can be found.
        hits: (k, share of terms with a right candidate among the first k).
        mrr: Mean of 1 / rank of the first right candidate, 0 behind the tenth.
        chosen: What the threshold does that the links were made with.
        points: What other thresholds would do.
    """

    terms: int
    unknown: int
    in_index: int
    hits: tuple[tuple[int, float], ...]
    mrr: float
    chosen: Point
    points: tuple[Point, ...]

    def thresholds(self) -> list[tuple[float, Point | None]]:
        """Return precisions that somebody may want, and the lowest threshold that gives each, if any does."""
        return [(precision, threshold_for(precision, self.points)) for precision in _PRECISIONS]

    def members(self) -> dict[str, object]:
        """Return what JSON shows."""
        return {
            "terms": self.terms,
            "without_gold": self.unknown,
            "gold_in_index": self.in_index / self.terms,
            **{f"hit@{k}": share for k, share in self.hits},
            f"mrr@{MRR_PLACES}": self.mrr,
            "min_score": self.chosen.min_score,
            **_members(self.chosen),
            "curve": [
                {"min_score": point.min_score, **_members(point)}
                for point in islice(self.points, None, None, _JSON_STEP)
            ],
        }


def evaluate(judged: Sequence[Judged], *, unknown: int, in_index: int, min_score: float | None) -> Evaluation:
    """Work figures out.

    Args:
        judged: The terms with known codes.
        unknown: How many more there are without.
        in_index: How many of ``judged`` have a code that is in the index.
        min_score: The threshold that links were made with, None for none.

    Raises:
        InputError: No term has a known code.
    """
    if not judged:
        raise InputError(f"none of {unknown} terms has a code in the gold column: fill it, or leave --gold out")
    count = len(judged)
    ranks = [one.rank for one in judged if one.rank is not None]
    return Evaluation(
        count,
        unknown,
        in_index,
        tuple((k, sum(rank <= k for rank in ranks) / count) for k in PLACES),
        sum(1 / rank for rank in ranks if rank <= MRR_PLACES) / count,
        _chosen(judged, min_score),
        tuple(curve(judged)),
    )


def _chosen(judged: Sequence[Judged], min_score: float | None) -> Point:
    """Count what was linked; without a threshold, scores below zero count, too."""
    least = -math.inf if min_score is None else as_compared(min_score)
    linked = [one for one in judged if one.score is not None and one.score >= least]
    return Point(min_score or 0.0, len(judged), len(linked), sum(one.rank == 1 for one in linked))


def _members(point: Point) -> dict[str, float]:
    return {"coverage": point.coverage, "precision": point.precision, "recall": point.recall}
