"""Measure a reranker against a reference, through the runtime that users will run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.errors import CheckpointError
from biolord_export.progress import track
from biolord_export.reranking.fidelity import compare_rankings, judge_rankings
from biolord_export.verification.fidelity import OVERFLOW
from biolord_export.verification.measure import INVARIANCE_TEXTS
from biolord_onnx.artifact.manifest import BatchInvariance
from biolord_onnx.errors import NotFiniteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from biolord_export.checkpoint.weights import Float32
    from biolord_export.reranking.fidelity import RankingGate, RankingReport
    from biolord_export.reranking.queries import Query
    from biolord_onnx.reranker import Reranker

    Scores = Callable[[str, Sequence[str]], Float32]


def scores_of(reranker: Reranker) -> Scores:
    """Return the function that scores n texts for a query with an artifact, float32 [n], before the activation."""
    return partial(_score, reranker)


def measure_ranking(
    found: Scores, exact: Scores, queries: Mapping[str, Sequence[Query]], gate: RankingGate, reference: str
) -> RankingReport:
    """Score candidates with an artifact and with its reference, and compare.

    Args:
        found: Scores with the artifact to measure.
        exact: Scores with the reference.
        queries: By kind.
        gate: What must be reached.
        reference: What the reference is, for the report.
    """
    groups = [
        compare_rankings(kind, _score_all(exact, some, f"{kind}, reference"), _score_all(found, some, kind))
        for kind, some in queries.items()
    ]
    return judge_rankings(reference, groups, gate)


def measure_score_invariance(reranker: Reranker, texts: Sequence[str]) -> BatchInvariance:
    """Compare each pair's score alone with the one it has among others.

    Raises:
        CheckpointError: A score isn't finite.
    """
    query, *some = list(dict.fromkeys(texts))[: INVARIANCE_TEXTS + 1]
    score = scores_of(reranker)
    try:
        together = score(query, some)
        alone = np.concatenate([score(query, [text]) for text in some])
    except NotFiniteError as error:
        raise CheckpointError(f"the artifact yields scores that aren't finite: {OVERFLOW}") from error
    bound = float(np.abs(together - alone).max())
    return BatchInvariance(bound, f"measured at export on {len(some)} pairs, alone and together")


def _score_all(score: Scores, queries: Sequence[Query], label: str) -> list[Float32]:
    return [score(query.text, query.candidates) for query in track(queries, f"verifying {label}")]


def _score(reranker: Reranker, query: str, texts: Sequence[str]) -> Float32:
    # Without the warning of pairs that were cut: both sides cut them at the same token.
    return reranker.score_with_info(query, texts).logits
