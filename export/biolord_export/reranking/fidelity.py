"""Compare two rerankers' scores of the same candidates: does the one order them as the other does?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.errors import FidelityError
from biolord_export.verification.fidelity import OVERFLOW
from biolord_export.verification.pairs import spearman
from biolord_export.verification.report import Report, shortfalls
from biolord_onnx.artifact.json_fields import Fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biolord_export.checkpoint.weights import Float32
    from biolord_onnx.artifact.json_fields import JSONObject

BEST = 10


@dataclass(frozen=True, slots=True)
class GroupRanking:
    """Fidelity on one kind of text.

    Attributes:
        kind: What the texts are.
        queries: How many.
        candidates: Of a query, at most.
        pearson: Correlation of all scores, before the activation.
        spearman: Mean over the queries of the rank correlation of a query's candidates.
        top1: Share of queries whose best candidate is the same.
        top10: Mean share of the ten best candidates that both agree on.
        same_order: Share of queries whose ten best are the same in the same order.
        largest_difference: Of two scores of a pair.
        spread: Standard deviation of the reference's scores, to compare the difference with.
    """

    kind: str
    queries: int
    candidates: int
    pearson: float
    spearman: float
    top1: float
    top10: float
    same_order: float
    largest_difference: float
    spread: float


@dataclass(frozen=True, slots=True)
class RankingGate:
    """What the export of a reranker must reach, on each kind of text."""

    pearson: float
    spearman: float
    top10: float


@dataclass(frozen=True, slots=True)
class RankingReport(Report[GroupRanking, RankingGate]):
    """Fidelity of scores."""

    @classmethod
    def from_json(cls, members: JSONObject, source: str) -> RankingReport:
        """Read a report out of a manifest.

        Args:
            members: What `to_json` made.
            source: The manifest, for messages.

        Raises:
            ArtifactError: A figure is missing or of a wrong type.
        """
        fields = Fields(source, members)
        gate = fields.child("gate")
        return cls(
            fields.text("reference"),
            tuple(_read_group(group) for group in fields.children("groups")),
            RankingGate(gate.number("pearson"), gate.number("spearman"), gate.number("top10")),
            fields.texts("shortfalls"),
        )


def compare_rankings(kind: str, exact: Sequence[Float32], found: Sequence[Float32]) -> GroupRanking:
    """Compare scores before the activation.

    Args:
        kind: What the texts are.
        exact: The reference's, float32 [candidates] for each query.
        found: Those to measure.

    Raises:
        FidelityError: A score isn't finite.
    """
    a, b = (np.concatenate(scores).astype(np.float64) for scores in (exact, found))
    broken = int(np.count_nonzero(~np.isfinite(a - b)))
    if broken:
        raise FidelityError(f"{kind}: {broken} of {len(a)} pairs have scores that aren't finite: {OVERFLOW}")
    best = [(_best(one), _best(other)) for one, other in zip(exact, found, strict=True)]
    ranks = [spearman(one, other.astype(np.float64)) for one, other in zip(exact, found, strict=True)]
    return GroupRanking(
        kind=kind,
        queries=len(exact),
        candidates=max(map(len, exact)),
        pearson=_pearson(a, b),
        spearman=float(np.mean(ranks)),
        top1=float(np.mean([one[0] == other[0] for one, other in best])),
        top10=float(np.mean([len(set(one) & set(other)) / len(one) for one, other in best])),
        same_order=float(np.mean([one == other for one, other in best])),
        largest_difference=float(np.abs(a - b).max()),
        spread=float(a.std()),
    )


def judge_rankings(reference: str, groups: Sequence[GroupRanking], gate: RankingGate) -> RankingReport:
    """Hold groups against a gate."""
    below = [line for group in groups for line in shortfalls(group.kind, asdict(group), asdict(gate))]
    return RankingReport(reference, tuple(groups), gate, tuple(below))


def _best(scores: Float32) -> list[int]:
    best: list[int] = np.argsort(-scores, kind="stable")[:BEST].tolist()
    return best


def _pearson(a: np.ndarray[tuple[int], np.dtype[np.float64]], b: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    x, y = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale else 0.0


def _read_group(fields: Fields) -> GroupRanking:
    return GroupRanking(
        kind=fields.text("kind"),
        queries=fields.integer("queries", least=1),
        candidates=fields.integer("candidates", least=1),
        pearson=fields.number("pearson", least=-1),
        spearman=fields.number("spearman", least=-1),
        top1=fields.number("top1"),
        top10=fields.number("top10"),
        same_order=fields.number("same_order"),
        largest_difference=fields.number("largest_difference"),
        spread=fields.number("spread"),
    )
